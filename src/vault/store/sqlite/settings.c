#include "vault/store/sqlite/operations.h"
#include "vault/store/sqlite/statement.h"

kq_status vault_sqlite_get_setting(struct vault_store *store, const char *name, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(vault_reader) reader = {0};
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_AUTO_VALUE(kq_buffer) value = {0};
    KQ_TRY(vault_reader_open(store, &reader));
    KQ_TRY(vault_statement_begin(reader.connection, "SELECT value FROM setting WHERE name = ?1", &statement));
    vault_bind_text(&statement, name);
    KQ_TRY(vault_statement_row(&statement));
    vault_take_bytes(&statement, &value);
    KQ_TRY(vault_statement_taken(&statement));
    kq_buffer_clear(out);
    *out = value;
    value = (struct kq_buffer){0};
    return KQ_OK;
}

struct setting {
    const char *name;
    struct kq_slice value;
};

static kq_status put(struct vault_connection *writer, void *context)
{
    const struct setting *setting = context;
    KQ_AUTO_VALUE(vault_statement) statement = {0};
    KQ_TRY(vault_statement_begin(writer,
                                 "INSERT INTO setting (name, value) VALUES (?1, ?2) "
                                 "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                                 &statement));
    vault_bind_text(&statement, setting->name);
    vault_bind_bytes(&statement, setting->value);
    return vault_statement_run(&statement);
}

kq_status vault_sqlite_put_setting(struct vault_store *store, const char *name, struct kq_slice value)
{
    struct setting setting = {.name = name, .value = value};
    return vault_database_write(store, put, &setting);
}
