#include "vault/api/people.h"

#include <strings.h>

#include "base/random.h"
#include "base/text.h"
#include "vault/api/arm.h"
#include "vault/auth/secret.h"
#include "vault/core/names.h"

#define NAME_MAX_BYTES 64u
#define PASSPHRASE_MAX_BYTES 256u

static enum vault_problem audit(struct vault_call *call, const char *event, const char *object_id, const char *detail)
{
    const struct vault_scope scope = {.subscription = ""};
    char text[240];
    snprintf(text, sizeof text, "principal=%s %s", object_id, detail);
    return vault_arm_audit(call, event, NULL, &scope, text);
}

static json_t *person_json(const struct vault_person *person)
{
    char created[KQ_TIME_TEXT_SIZE];
    kq_time_text(person->created, created);
    return json_pack("{s:s, s:s, s:s, s:b, s:s}", "objectId", person->object_id, "userName", person->user_name,
                     "displayName", person->display_name, "isOperator", (int)person->is_operator, "created", created);
}

/* ---- reading what is asked ---------------------------------------------------------------- */

/* A text of the body; fallback NULL: it must be there. */
static enum vault_problem read_text(struct vault_call *call, const char *name, size_t max, const char *fallback,
                                    const char **out)
{
    *out = fallback;
    if (vault_json_string(call->body, name, out) && *out != NULL && **out != '\0' && strlen(*out) <= max &&
        kq_text_is_printable(kq_slice_text(*out)))
        return VAULT_OK;
    return vault_fail(call, VAULT_BAD_REQUEST, "%s: text of 1 to %zu bytes without control characters is wanted.", name,
                      max);
}

static enum vault_problem read_person(struct vault_call *call, struct vault_person *out)
{
    VAULT_TRY(vault_need_operator(call));
    const char *id = call->names[0];
    kq_status status =
        kq_guid_is_valid(kq_slice_text(id)) ? vault_store_get_person(call->service->store, id, out) : KQ_ERR_NOT_FOUND;
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_NOT_FOUND, "There is no person with the object id '%.60s'.", id);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "person", NULL);
}

/* ---- the acts -------------------------------------------------------------------------------- */

static kq_status hash_passphrase(const char *passphrase, struct vault_person *out)
{
    out->scrypt_log2_n = VAULT_SECRET_LOG2_N;
    KQ_TRY(vault_new_guid(out->object_id));
    KQ_TRY(kq_random(out->salt, sizeof out->salt));
    return vault_secret_hash(kq_slice_text(passphrase), out->salt, out->scrypt_log2_n, out->hash);
}

enum vault_problem vault_people_post(struct vault_call *call)
{
    struct vault_person person = {.created = call->now};
    const char *user_name = NULL;
    const char *display_name = NULL;
    const char *passphrase = NULL;
    VAULT_TRY(vault_need_operator(call));
    VAULT_TRY(read_text(call, "userName", NAME_MAX_BYTES, NULL, &user_name));
    VAULT_TRY(read_text(call, "displayName", NAME_MAX_BYTES, user_name, &display_name));
    VAULT_TRY(read_text(call, "passphrase", PASSPHRASE_MAX_BYTES, NULL, &passphrase));
    if (!vault_json_bool(call->body, "isOperator", &person.is_operator))
        return vault_fail(call, VAULT_BAD_REQUEST, "isOperator: true or false is wanted.");
    kq_status status = hash_passphrase(passphrase, &person);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "person", NULL);
    person.user_name = (char *)(uintptr_t)user_name; /* borrowed: the record is not cleared */
    person.display_name = (char *)(uintptr_t)display_name;
    VAULT_TRY(audit(call, "principal.create", person.object_id, person.is_operator ? "person operator" : "person"));
    status = vault_store_put_person(call->service->store, &person);
    if (status == KQ_ERR_EXISTS)
        return vault_fail(call, VAULT_CONFLICT, "There is somebody called '%s' already.", user_name);
    return status == KQ_OK ? vault_reply(call, 201, person_json(&person))
                           : vault_fail_status(call, status, "person", NULL);
}

enum vault_problem vault_people_get(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_person) person = {.created = 0};
    VAULT_TRY(read_person(call, &person));
    return vault_reply(call, 200, person_json(&person));
}

static bool add_person(void *context, const struct vault_person *person)
{
    return json_array_append_new(context, person_json(person)) == 0;
}

enum vault_problem vault_people_list(struct vault_call *call)
{
    struct vault_page page;
    VAULT_TRY(vault_need_operator(call));
    VAULT_TRY(vault_arm_page(call, &page));
    json_t *items = json_array();
    kq_status status = vault_store_list_people(call->service->store, &page, add_person, items);
    if (status == KQ_OK)
        return vault_arm_reply_list(call, items, &page);
    vault_json_free(items);
    return vault_fail_status(call, status, "people", NULL);
}

enum vault_problem vault_people_delete(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_person) person = {.created = 0};
    VAULT_TRY(read_person(call, &person));
    if (strcasecmp(person.object_id, call->caller.object_id) == 0)
        return vault_fail(call, VAULT_CONFLICT, "A person does not delete himself or herself: ask another operator.");
    VAULT_TRY(audit(call, "principal.delete", person.object_id, "person"));
    kq_status status = vault_store_delete_person(call->service->store, person.object_id);
    return status == KQ_OK || status == KQ_ERR_NOT_FOUND ? vault_reply_empty(call, 204)
                                                         : vault_fail_status(call, status, "person", NULL);
}
