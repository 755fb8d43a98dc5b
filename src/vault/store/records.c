#include <stdlib.h>

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
