/* Searches processes and files for every 16-byte window of some secrets.
 *
 *     search PATTERNS TARGET...
 *
 * PATTERNS  file: per line a label without blanks, a blank, bytes as hex
 * TARGET    pid:NUMBER (every mapping of the process) or file:PATH
 *
 * One line per target: `TARGET BYTES HITS LABEL=COUNT...`. Exit status 0 when
 * all targets could be read, whether something was found or not. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 16u
#define LABELS_MAX 256u
#define LABEL_SIZE 48u
#define CHUNK (1u << 20)
#define FILTER_BITS 24u

struct window {
    uint8_t bytes[WINDOW];
    uint32_t label;
};

/* All windows in an open-addressed table, behind a bit filter over their first eight bytes. */
struct index {
    char labels[LABELS_MAX][LABEL_SIZE];
    size_t num_labels;
    struct window *windows; /* label UINT32_MAX: a free slot */
    size_t capacity;        /* a power of two */
    size_t num_windows;
    uint8_t *filter;
    uint64_t hits[LABELS_MAX];
};

static uint64_t first_eight(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value * UINT64_C(0x9e3779b97f4a7c15);
}

static void *allocate(size_t num, size_t size)
{
    void *memory = calloc(num, size);
    if (memory == NULL) {
        fprintf(stderr, "search: out of memory\n");
        exit(2);
    }
    return memory;
}

static struct window *find_slot(const struct index *index, const uint8_t *bytes)
{
    size_t at = (size_t)(first_eight(bytes) >> 32) & (index->capacity - 1);
    while (index->windows[at].label != UINT32_MAX && memcmp(index->windows[at].bytes, bytes, WINDOW) != 0)
        at = (at + 1) & (index->capacity - 1);
    return &index->windows[at];
}

static void add_window(struct index *index, const uint8_t *bytes, uint32_t label)
{
    if (2 * index->num_windows >= index->capacity) {
        fprintf(stderr, "search: too many patterns\n");
        exit(2);
    }
    struct window *slot = find_slot(index, bytes);
    if (slot->label != UINT32_MAX)
        return;
    memcpy(slot->bytes, bytes, WINDOW);
    slot->label = label;
    index->num_windows++;
    uint64_t bit = first_eight(bytes) >> (64 - FILTER_BITS);
    index->filter[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static int hex_digit(char c)
{
    const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static size_t read_hex(const char *text, uint8_t *out)
{
    size_t len = 0;
    for (; hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0; text += 2)
        out[len++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
    return len;
}

static uint32_t find_label(struct index *index, const char *label)
{
    for (size_t i = 0; i < index->num_labels; i++) {
        if (strcmp(index->labels[i], label) == 0)
            return (uint32_t)i;
    }
    if (index->num_labels == LABELS_MAX) {
        fprintf(stderr, "search: too many labels\n");
        exit(2);
    }
    snprintf(index->labels[index->num_labels], LABEL_SIZE, "%s", label);
    return (uint32_t)index->num_labels++;
}

static void read_patterns(struct index *index, const char *path)
{
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        fprintf(stderr, "search: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    index->capacity = 1u << 20;
    index->windows = allocate(index->capacity, sizeof *index->windows);
    index->filter = allocate((1u << FILTER_BITS) / 8, 1);
    for (size_t i = 0; i < index->capacity; i++)
        index->windows[i].label = UINT32_MAX;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, in) > 0) {
        char *blank = strchr(line, ' ');
        if (blank == NULL)
            continue;
        *blank = '\0';
        uint8_t *bytes = allocate(strlen(blank + 1) / 2 + 1, 1);
        size_t len = read_hex(blank + 1, bytes);
        uint32_t label = find_label(index, line);
        for (size_t at = 0; at + WINDOW <= len; at++)
            add_window(index, bytes + at, label);
        free(bytes);
    }
    free(line);
    fclose(in);
}

static void search_bytes(struct index *index, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at + WINDOW <= len; at++) {
        uint64_t bit = first_eight(bytes + at) >> (64 - FILTER_BITS);
        if ((index->filter[bit / 8] & 1u << bit % 8) == 0)
            continue;
        const struct window *found = find_slot(index, bytes + at);
        if (found->label != UINT32_MAX)
            index->hits[found->label]++;
    }
}

/* Searches [start, end) of a descriptor; chunks overlap by a window. Returns the bytes read. */
static uint64_t search_range(struct index *index, int fd, uint64_t start, uint64_t end)
{
    static uint8_t chunk[CHUNK + WINDOW];
    uint64_t total = 0;
    size_t kept = 0;
    for (uint64_t at = start; at < end;) {
        size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        ssize_t got = pread(fd, chunk + kept, want, (off_t)at);
        if (got <= 0) { /* a page that is not there: go on behind it */
            at += 4096 - at % 4096;
            kept = 0;
            continue;
        }
        size_t have = kept + (size_t)got;
        search_bytes(index, chunk, have);
        kept = have < WINDOW - 1 ? have : WINDOW - 1;
        memmove(chunk, chunk + have - kept, kept);
        at += (uint64_t)got;
        total += (uint64_t)got;
    }
    return total;
}

static bool search_process(struct index *index, const char *pid, uint64_t *out_total)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%s/mem", pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    bool is_open = maps != NULL && memory >= 0;
    char *line = NULL;
    size_t size = 0;
    while (is_open && getline(&line, &size, maps) > 0) {
        uint64_t start, end;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 && strstr(line, "[v") == NULL)
            *out_total += search_range(index, memory, start, end);
    }
    free(line);
    if (maps != NULL)
        fclose(maps);
    if (memory >= 0)
        close(memory);
    return is_open && *out_total > 0;
}

static bool search_file(struct index *index, const char *path, uint64_t *out_total)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    off_t end = lseek(fd, 0, SEEK_END);
    if (end > 0)
        *out_total = search_range(index, fd, 0, (uint64_t)end);
    close(fd);
    return true;
}

static bool search_target(struct index *index, const char *target)
{
    uint64_t total = 0;
    uint64_t hits = 0;
    memset(index->hits, 0, sizeof index->hits);
    bool is_process = strncmp(target, "pid:", 4) == 0;
    bool done = is_process ? search_process(index, target + 4, &total)
                           : strncmp(target, "file:", 5) == 0 && search_file(index, target + 5, &total);
    for (size_t i = 0; i < index->num_labels; i++)
        hits += index->hits[i];
    printf("%s %s%" PRIu64 " %" PRIu64, target, done ? "" : "unreadable ", total, hits);
    for (size_t i = 0; i < index->num_labels; i++) {
        if (index->hits[i] > 0)
            printf(" %s=%" PRIu64, index->labels[i], index->hits[i]);
    }
    putchar('\n');
    return done;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: search PATTERNS TARGET...\n");
        return 2;
    }
    static struct index index;
    read_patterns(&index, argv[1]);
    bool all_read = true;
    for (int i = 2; i < argc; i++)
        all_read &= search_target(&index, argv[i]);
    return all_read ? 0 : 1;
}
