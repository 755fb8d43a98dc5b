#include "vault/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_MAX_LEN 4096u

struct line {
    char text[LINE_MAX_LEN];
    size_t len;
};

static void put(struct line *line, const char *text, size_t len)
{
    if (len > LINE_MAX_LEN - 4 - line->len) /* room for the end of a line that is too long */
        len = LINE_MAX_LEN - 4 - line->len;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

/* Quotes, backslashes and control characters escaped; other bytes as they are. */
static void put_string(struct line *line, const char *text)
{
    put(line, "\"", 1);
    for (; *text != '\0' && line->len < LINE_MAX_LEN - 16; text++) {
        char escaped[8];
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            put(line, (char[]){'\\', *text}, 2);
        else if (byte < 0x20 || byte == 0x7f)
            put(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", byte));
        else
            put(line, text, 1);
    }
    put(line, "\"", 1);
}

static void put_member(struct line *line, const char *name, const char *text)
{
    put(line, line->len > 1 ? "," : "", line->len > 1 ? 1 : 0);
    put_string(line, name);
    put(line, ":", 1);
    put_string(line, text);
}

static void put_number(struct line *line, const char *name, long long number)
{
    char digits[24];
    put(line, ",", 1);
    put_string(line, name);
    put(line, ":", 1);
    put(line, digits, (size_t)snprintf(digits, sizeof digits, "%lld", number));
}

void vault_log(const char *level, const char *event, const struct vault_log_member *members)
{
    struct line line = {.text = "{", .len = 1};
    char time[KQ_TIME_TEXT_SIZE];
    kq_time_text(kq_clock_unix_s(), time);
    put_member(&line, "time", time);
    put_member(&line, "level", level);
    put_member(&line, "event", event);
    for (; members != NULL && members->name != NULL; members++) {
        if (members->text != NULL)
            put_member(&line, members->name, members->text);
        else
            put_number(&line, members->name, members->number);
    }
    memcpy(line.text + line.len, "}\n", 2);
    line.len += 2;
    ssize_t written = write(STDERR_FILENO, line.text, line.len);
    (void)written; /* nobody is left to tell */
}
