#include <stdlib.h>
#include <string.h>

#include "vault/store/store.h"

/* Clearing a record leaves an empty one behind. */

void vault_subscription_clear(struct vault_subscription *record)
{
    free(record->display_name);
    *record = (struct vault_subscription){0};
}

void vault_group_clear(struct vault_group *record)
{
    free(record->name);
    free(record->location);
    free(record->tags);
    *record = (struct vault_group){0};
}

void vault_principal_clear(struct vault_principal *record)
{
    free(record->display_name);
    *record = (struct vault_principal){0};
}

void vault_client_certificate_clear(struct vault_client_certificate *record)
{
    kq_buffer_clear(&record->certificate);
    *record = (struct vault_client_certificate){0};
}

void vault_person_clear(struct vault_person *record)
{
    free(record->user_name);
    free(record->display_name);
    *record = (struct vault_person){0};
}

void vault_record_clear(struct vault_record *record)
{
    free(record->group);
    free(record->name);
    free(record->location);
    free(record->region);
    free(record->properties);
    free(record->tags);
    *record = (struct vault_record){0};
}

void vault_access_free(struct vault_access *access, size_t num)
{
    for (size_t i = 0; i < num; i++)
        free(access[i].others);
    free(access);
}

void vault_assignment_clear(struct vault_assignment *record)
{
    free(record->scope);
    *record = (struct vault_assignment){0};
}

void vault_key_clear(struct vault_key *record)
{
    free(record->rotation_policy);
    *record = (struct vault_key){0};
}

void vault_key_version_clear(struct vault_key_version *record)
{
    free(record->tags);
    kq_buffer_clear(&record->public_key);
    kq_buffer_clear(&record->blob);
    kq_buffer_clear(&record->receipt);
    *record = (struct vault_key_version){0};
}

/* ---- copies ---- */

static bool copy_text(char **text)
{
    if (*text == NULL)
        return true;
    *text = strdup(*text);
    return *text != NULL;
}

static bool copy_bytes(struct kq_buffer *bytes)
{
    struct kq_slice from = kq_buffer_slice(bytes);
    kq_buffer_init(bytes, from.len);
    return kq_buffer_append(bytes, from.data, from.len) == KQ_OK;
}

/* Members are copied flat, then each pointer is replaced by one of the copy's own or, where that fails, by NULL: a
 * copy that is given up frees nothing of the original. */
kq_status vault_record_copy(const struct vault_record *record, struct vault_record *out)
{
    KQ_AUTO_VALUE(vault_record) copy = *record;
    bool good = copy_text(&copy.group);
    good = copy_text(&copy.name) && good;
    good = copy_text(&copy.location) && good;
    good = copy_text(&copy.region) && good;
    good = copy_text(&copy.properties) && good;
    good = copy_text(&copy.tags) && good;
    if (!good)
        return KQ_ERR_MEMORY;
    *out = copy;
    copy = (struct vault_record){0};
    return KQ_OK;
}

kq_status vault_key_copy(const struct vault_key *record, struct vault_key *out)
{
    struct vault_key copy = *record;
    if (!copy_text(&copy.rotation_policy))
        return KQ_ERR_MEMORY;
    *out = copy;
    return KQ_OK;
}

kq_status vault_key_version_copy(const struct vault_key_version *record, struct vault_key_version *out)
{
    KQ_AUTO_VALUE(vault_key_version) copy = *record;
    bool good = copy_text(&copy.tags);
    good = copy_bytes(&copy.public_key) && good;
    good = copy_bytes(&copy.blob) && good;
    good = copy_bytes(&copy.receipt) && good;
    if (!good)
        return KQ_ERR_MEMORY;
    *out = copy;
    copy = (struct vault_key_version){0};
    return KQ_OK;
}
