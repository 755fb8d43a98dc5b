#include "vault/store/sqlite/lists.h"

#include <inttypes.h>

#include "base/text.h"

kq_status vault_sql_list_begin(struct vault_sql_list *list, struct vault_store *store, struct vault_page *page,
                               vault_list_row *row, void *context)
{
    if (page->max == 0 || page->max > VAULT_PAGE_MAX)
        return KQ_ERR_ARGUMENT;
    KQ_TRY(vault_reader_open(store, &list->reader));
    list->page = page;
    list->row = row;
    list->context = context;
    return KQ_OK;
}

kq_status vault_list_sql(struct vault_sql_list *list, const char *sql)
{
    return vault_statement_begin(list->reader.connection, sql, &list->statement);
}

const char *vault_list_marker(const struct vault_sql_list *list)
{
    return list->page->marker == NULL ? "" : list->page->marker;
}

kq_status vault_list_marker_id(const struct vault_sql_list *list, uint64_t *out)
{
    const char *marker = vault_list_marker(list);
    if (marker[0] == '\0') {
        *out = INT64_MAX;
        return KQ_OK;
    }
    return kq_uint_parse(kq_slice_text(marker), INT64_MAX, out) ? KQ_OK : KQ_ERR_ARGUMENT;
}

uint64_t vault_list_limit(const struct vault_sql_list *list)
{
    return list->page->max + 1;
}

void vault_list_mark_text(struct vault_sql_list *list, const char *marker)
{
    snprintf(list->last, sizeof list->last, "%s", marker);
}

void vault_list_mark_id(struct vault_sql_list *list, uint64_t id)
{
    snprintf(list->last, sizeof list->last, "%" PRIu64, id);
}

kq_status vault_list_run(struct vault_sql_list *list)
{
    bool has_row;
    list->goes_on = true;
    KQ_TRY(vault_statement_step(&list->statement, &has_row));
    for (size_t i = 0; i < list->page->max && has_row && list->goes_on; i++) {
        KQ_TRY(list->row(list, &list->statement));
        KQ_TRY(vault_statement_step(&list->statement, &has_row));
    }
    snprintf(list->page->next, sizeof list->page->next, "%s", has_row ? list->last : "");
    return KQ_OK;
}

void vault_sql_list_clear(struct vault_sql_list *list)
{
    vault_statement_clear(&list->statement);
    vault_reader_clear(&list->reader);
}
