#include "vault/issuer_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "vault/log.h"
#include "webclient/issuer.h"

#define SUFFIX ".json"

/* What tells a file from its next content: it is replaced, never written into. */
struct stamp {
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct one {
    char name[KQW_ISSUER_NAME_SIZE];
    struct stamp stamp;
    struct kq_buffer text; /* as last found good; empty if it never was */
};

struct list {
    size_t num;
    struct one items[KQW_ISSUERS_MAX];
};

struct vault_issuer_files {
    char folder[KQ_PATH_MAX];
    struct vault_authority *authority; /* borrowed */
    struct list *list;
    bool was_too_many, was_unreadable;
};

static void list_free(struct list *list)
{
    for (size_t i = 0; list != NULL && i < list->num; i++)
        kq_buffer_clear(&list->items[i].text);
    free(list);
}
KQ_AUTO_DEFINE(list);

kq_status vault_issuer_files_new(const char *data, struct vault_authority *authority, struct vault_issuer_files **out)
{
    KQ_AUTO(vault_issuer_files) files = calloc(1, sizeof *files);
    if (files == NULL)
        return KQ_ERR_MEMORY;
    files->authority = authority;
    files->list = calloc(1, sizeof *files->list);
    if (files->list == NULL)
        return KQ_ERR_MEMORY;
    KQ_TRY(kq_path_join(data, "issuers", files->folder));
    *out = KQ_TAKE(files);
    return KQ_OK;
}

void vault_issuer_files_free(struct vault_issuer_files *files)
{
    if (files == NULL)
        return;
    list_free(files->list);
    free(files);
}

static void log_file(const char *name, const char *what)
{
    vault_log("error", "issuer", (const struct vault_log_member[]){{"issuer", name, 0}, {"detail", what, 0}, {0}});
}

/* ---- the folder ---------------------------------------------------------------------------------- */

/* NAME of "NAME.json"; false for other files. */
static bool name_of(const char *file, char out[KQW_ISSUER_NAME_SIZE])
{
    size_t len = strlen(file);
    size_t suffix_len = sizeof SUFFIX - 1;
    return len > suffix_len && strcmp(file + len - suffix_len, SUFFIX) == 0 &&
           kq_text_copy(kq_slice_of((const uint8_t *)file, len - suffix_len), out, KQW_ISSUER_NAME_SIZE) &&
           kqw_issuer_name_is_valid(out);
}

static void add_file(struct vault_issuer_files *files, int folder_fd, const char *file, struct list *found)
{
    char name[KQW_ISSUER_NAME_SIZE];
    struct stat facts;
    if (!name_of(file, name) || fstatat(folder_fd, file, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode))
        return;
    if (found->num == KQW_ISSUERS_MAX) {
        if (!files->was_too_many)
            log_file(name, "there are more than 16 issuers; this one and perhaps others are not used");
        files->was_too_many = true;
        return;
    }
    struct one *one = &found->items[found->num++];
    memcpy(one->name, name, sizeof name);
    one->stamp = (struct stamp){facts.st_ino, facts.st_size, facts.st_mtim};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct one *)a)->name, ((const struct one *)b)->name);
}

/* Errors: KQ_ERR_IO (the folder is there and cannot be read). */
static kq_status scan(struct vault_issuer_files *files, struct list *found)
{
    DIR *folder = opendir(files->folder);
    const struct dirent *entry;
    if (folder == NULL)
        return errno == ENOENT ? KQ_OK : KQ_ERR_IO;
    while ((entry = readdir(folder)) != NULL)
        add_file(files, dirfd(folder), entry->d_name, found);
    closedir(folder);
    if (found->num < KQW_ISSUERS_MAX)
        files->was_too_many = false;
    qsort(found->items, found->num, sizeof found->items[0], compare_names);
    return KQ_OK;
}

static bool is_same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->inode == b->inode && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool is_same(const struct list *a, const struct list *b)
{
    if (a->num != b->num)
        return false;
    for (size_t i = 0; i < a->num; i++)
        if (strcmp(a->items[i].name, b->items[i].name) != 0 || !is_same_stamp(&a->items[i].stamp, &b->items[i].stamp))
            return false;
    return true;
}

/* ---- the files ----------------------------------------------------------------------------------- */

static kq_status read_one(struct vault_issuer_files *files, const char *name, struct kq_buffer *out, char *out_why)
{
    char file[KQW_ISSUER_NAME_SIZE + sizeof SUFFIX];
    char path[KQ_PATH_MAX];
    KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
    snprintf(file, sizeof file, "%s" SUFFIX, name);
    snprintf(out_why, KQW_ISSUER_WHY_SIZE, "it cannot be read, or is longer than 65536 bytes");
    KQ_TRY(kq_path_join(files->folder, file, path));
    KQ_TRY(kq_file_read(path, KQW_ISSUER_FILE_MAX, out));
    KQ_TRY(kqw_issuer_read(kq_buffer_slice(out), &issuer, out_why));
    if (strcmp(issuer.name, name) == 0 && strcmp(issuer.url, vault_authority_issuer(files->authority)) != 0)
        return KQ_OK;
    snprintf(out_why, KQW_ISSUER_WHY_SIZE, "%s",
             strcmp(issuer.name, name) != 0 ? "it is the file of an issuer of another name"
                                            : "it names this service itself as the issuer");
    return KQ_ERR_MISMATCH;
}

static struct one *find(struct list *list, const char *name)
{
    for (size_t i = 0; i < list->num; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

/* The content of a file: as it was if the file is the same, or is damaged now. */
static void fill(struct vault_issuer_files *files, struct one *one)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    char why[KQW_ISSUER_WHY_SIZE];
    char said[KQW_ISSUER_WHY_SIZE + 64];
    struct one *former = find(files->list, one->name);
    bool is_unchanged = former != NULL && is_same_stamp(&former->stamp, &one->stamp);
    if (!is_unchanged && read_one(files, one->name, &text, why) == KQ_OK) {
        one->text = text;
        text = (struct kq_buffer){0};
        return;
    }
    if (former != NULL) {
        one->text = former->text;
        former->text = (struct kq_buffer){0};
    }
    if (is_unchanged)
        return;
    snprintf(said, sizeof said, "%s; %s", why,
             one->text.len > 0 ? "what was read before stays in use" : "it is not used");
    log_file(one->name, said);
}

static bool is_taken(const struct kqw_issuer *issuers, size_t num, const char *url)
{
    for (size_t i = 0; i < num; i++)
        if (strcmp(issuers[i].url, url) == 0)
            return true;
    return false;
}

/* Of two with one URL the first by name counts. */
static size_t parse_all(const struct list *list, struct kqw_issuer *out)
{
    size_t num = 0;
    for (size_t i = 0; i < list->num; i++) {
        KQ_AUTO_VALUE(kqw_issuer) issuer = {.keys = NULL};
        char why[KQW_ISSUER_WHY_SIZE];
        if (list->items[i].text.len == 0 ||
            kqw_issuer_read(kq_buffer_slice(&list->items[i].text), &issuer, why) != KQ_OK)
            continue;
        if (is_taken(out, num, issuer.url)) {
            log_file(issuer.name, "another issuer has the same URL; this one is not used");
            continue;
        }
        out[num++] = issuer;
        issuer.keys = NULL;
    }
    return num;
}

static void use_all(struct vault_issuer_files *files)
{
    struct kqw_issuer *issuers = calloc(KQW_ISSUERS_MAX, sizeof *issuers);
    size_t num = issuers == NULL ? 0 : parse_all(files->list, issuers);
    kq_status status = issuers == NULL ? KQ_ERR_MEMORY : vault_authority_set_issuers(files->authority, issuers, num);
    for (size_t i = 0; issuers != NULL && i < num; i++)
        kqw_issuer_clear(&issuers[i]);
    free(issuers);
    vault_log(status == KQ_OK ? "info" : "error", "issuers",
              (const struct vault_log_member[]){
                  {"status", kq_status_text(status), 0}, {"number", NULL, (long long)num}, {0}});
}

/* ---- looking ------------------------------------------------------------------------------------- */

static void log_unknown_keys(struct vault_issuer_files *files)
{
    char name[KQW_ISSUER_NAME_SIZE];
    char detail[128];
    uint64_t number;
    for (size_t i = 0; i < KQW_ISSUERS_MAX; i++) {
        number = vault_authority_take_unknown_keys(files->authority, name, sizeof name);
        if (number == 0)
            return;
        snprintf(detail, sizeof detail,
                 "tokens named a key that is not known; if the issuer has new ones: keyquay issuer refresh %s", name);
        vault_log("warning", "issuer",
                  (const struct vault_log_member[]){
                      {"issuer", name, 0}, {"tokens", NULL, (long long)number}, {"detail", detail, 0}, {0}});
    }
}

void vault_issuer_files_look(struct vault_issuer_files *files)
{
    KQ_AUTO(list) found = calloc(1, sizeof *found);
    log_unknown_keys(files);
    if (found == NULL)
        return;
    kq_status status = scan(files, found);
    if (status != KQ_OK && !files->was_unreadable)
        log_file("*", "DIR/issuers cannot be read; what was read before stays in use");
    files->was_unreadable = status != KQ_OK;
    if (status != KQ_OK || is_same(found, files->list))
        return;
    for (size_t i = 0; i < found->num; i++)
        fill(files, &found->items[i]);
    struct list *former = files->list;
    files->list = KQ_TAKE(found);
    list_free(former);
    use_all(files);
}
