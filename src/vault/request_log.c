#include "vault/request_log.h"

#include <stddef.h>

#include "vault/log.h"

#define MEMBERS_MAX 12u

struct members {
    struct vault_log_member list[MEMBERS_MAX + 1];
    size_t num;
};

static void add_text(struct members *members, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        members->list[members->num++] = (struct vault_log_member){name, text, 0};
}

static void add_number(struct members *members, const char *name, long long number)
{
    members->list[members->num++] = (struct vault_log_member){name, NULL, number};
}

void vault_request_log_write(void *context, const struct vault_request_log *entry)
{
    (void)context;
    struct members members = {.num = 0};
    add_text(&members, "id", entry->request_id);
    add_text(&members, "from", entry->peer_address);
    add_text(&members, "object", entry->object_id);
    add_text(&members, "client", entry->client_id);
    add_text(&members, "method", entry->method);
    add_number(&members, "status", entry->status);
    add_text(&members, "code", entry->code);
    add_number(&members, "microseconds", (long long)entry->microseconds);
    /* What a client chooses comes last: a line that is too long loses its end. */
    add_text(&members, "host", entry->host);
    add_text(&members, "path", entry->path);
    add_text(&members, "message", entry->message);
    vault_log(entry->status >= 500 ? "error" : "info", "request", members.list);
}
