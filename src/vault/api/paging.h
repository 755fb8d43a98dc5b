#ifndef VAULT_API_PAGING_H
#define VAULT_API_PAGING_H

#include "vault/api/call.h"

/* Lists of the data plane: maxresults 1..25, an opaque $skiptoken, nextLink. */
struct vault_list {
    struct vault_call *call;
    struct vault_page page;
    char marker[VAULT_MARKER_SIZE];
    json_t *items;     /* array under construction */
    bool has_failed;   /* out of memory while a row was added */
    const char *extra; /* for the row function of the list */
};

/* Reads the parameters.  Returns VAULT_OK or VAULT_BAD_PARAMETER; then call vault_list_clear(). */
enum vault_problem vault_list_begin(struct vault_call *call, struct vault_list *list);
/* Takes item (NULL: out of memory); false ends the list. */
bool vault_list_add(struct vault_list *list, json_t *item);
/* Answers {"value":[...],"nextLink":...}. */
enum vault_problem vault_list_reply(struct vault_list *list);
void vault_list_clear(struct vault_list *list);
KQ_AUTO_DEFINE_VALUE(vault_list);

/* A marker of the store as clients see it, and back. Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status vault_skip_token_encode(const char *marker, struct kq_buffer *out);
KQ_MUST_CHECK kq_status vault_skip_token_decode(const char *token, char out_marker[VAULT_MARKER_SIZE]);

#endif
