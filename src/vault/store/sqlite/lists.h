#ifndef VAULT_STORE_SQLITE_LISTS_H
#define VAULT_STORE_SQLITE_LISTS_H

#include "vault/store/sqlite/statement.h"

/* One page of a list: keyset paging. The statement asks for the rows after the
 * marker and for one more than the page holds, which tells if there is a next
 * page. */
struct vault_sql_list;
/* Takes a row from the statement, marks it, calls the caller's function. */
typedef kq_status vault_list_row(struct vault_sql_list *list, struct vault_statement *statement);

struct vault_sql_list {
    struct vault_reader reader;
    struct vault_statement statement;
    struct vault_page *page;
    vault_list_row *row;
    void *context;
    char last[VAULT_MARKER_SIZE];
    bool goes_on;
};
/* Errors: KQ_ERR_ARGUMENT (the page). */
KQ_MUST_CHECK kq_status vault_sql_list_begin(struct vault_sql_list *list, struct vault_store *store,
                                             struct vault_page *page, vault_list_row *row, void *context);
KQ_MUST_CHECK kq_status vault_list_sql(struct vault_sql_list *list, const char *sql);
const char *vault_list_marker(const struct vault_sql_list *list);
/* The marker of a list that is ordered by falling row id; INT64_MAX at the start.  Errors: KQ_ERR_ARGUMENT. */
KQ_MUST_CHECK kq_status vault_list_marker_id(const struct vault_sql_list *list, uint64_t *out);
uint64_t vault_list_limit(const struct vault_sql_list *list);
void vault_list_mark_text(struct vault_sql_list *list, const char *marker);
void vault_list_mark_id(struct vault_sql_list *list, uint64_t id);
KQ_MUST_CHECK kq_status vault_list_run(struct vault_sql_list *list);
void vault_sql_list_clear(struct vault_sql_list *list);
KQ_AUTO_DEFINE_VALUE(vault_sql_list);

#endif
