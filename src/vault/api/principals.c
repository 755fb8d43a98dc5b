#include <strings.h>

#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "pubcrypto/x509.h"
#include "vault/api/arm.h"
#include "vault/api/people.h"
#include "vault/auth/client_certificate.h"
#include "vault/auth/secret.h"

/* Applications and what they sign in with, for operators: ours alone, no
 * client of another service knows these routes (docs/protocols/tokens.md). */

#define PRINCIPAL_NAME_MAX 64u
#define PROOFS_MAX 16u /* secrets, and certificates, of one application */
#define YEAR_S 31536000u
#define VALID_DAYS_MAX 7300u

enum vault_problem vault_need_operator(struct vault_call *call)
{
    if (call->caller_is_operator)
        return VAULT_OK;
    return vault_fail(call, VAULT_AUTHORIZATION_FAILED,
                      "The client '%s' with object id '%s' may not manage principals: that is for operators of this "
                      "service.",
                      call->caller.client_id, call->caller.object_id);
}

static enum vault_problem audit(struct vault_call *call, const char *event, const char *client_id, const char *detail)
{
    const struct vault_scope scope = {.subscription = ""};
    char text[240];
    snprintf(text, sizeof text, "principal=%s %s", client_id, detail);
    return vault_arm_audit(call, event, NULL, &scope, text);
}

/* ---- as JSON --------------------------------------------------------------------------- */

static json_t *date(uint64_t unix_s)
{
    char text[KQ_TIME_TEXT_SIZE];
    if (unix_s == 0)
        return json_null();
    kq_time_text(unix_s, text);
    return json_string(text);
}

static json_t *principal_json(const struct vault_principal *principal)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "clientId", principal->client_id, "objectId", principal->object_id,
                     "displayName", principal->display_name, "isOperator", (int)principal->is_operator, "created",
                     date(principal->created));
}

static json_t *secret_json(const struct vault_client_secret *secret)
{
    return json_pack("{s:s, s:o, s:o}", "id", secret->id, "created", date(secret->created), "expires",
                     date(secret->expires));
}

static json_t *certificate_json(const struct vault_client_certificate *certificate)
{
    char sha256[65];
    char sha1[41];
    kq_hex_encode(kq_slice_of(certificate->sha256, 32), sha256);
    kq_hex_encode(kq_slice_of(certificate->sha1, 20), sha1);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "id", certificate->id, "sha256", sha256, "thumbprint", sha1,
                     "created", date(certificate->created), "notBefore", date(certificate->not_before), "expires",
                     date(certificate->not_after));
}

static kq_status list_proofs(struct vault_call *call, const char *client_id, json_t *out)
{
    json_t *secrets = json_array();
    json_t *certificates = json_array();
    kq_status status = KQ_OK;
    json_object_set_new(out, "secrets", secrets);
    json_object_set_new(out, "certificates", certificates);
    for (size_t i = 0; status == KQ_OK; i++) {
        struct vault_client_secret secret;
        status = vault_store_get_client_secret(call->service->store, client_id, i, &secret);
        if (status == KQ_OK)
            json_array_append_new(secrets, secret_json(&secret));
    }
    if (status == KQ_ERR_NOT_FOUND)
        status = KQ_OK;
    for (size_t i = 0; status == KQ_OK; i++) {
        KQ_AUTO_VALUE(vault_client_certificate) certificate = {.created = 0};
        status = vault_store_get_client_certificate(call->service->store, client_id, i, &certificate);
        if (status == KQ_OK)
            json_array_append_new(certificates, certificate_json(&certificate));
    }
    return status == KQ_ERR_NOT_FOUND ? KQ_OK : status;
}

/* ---- reading what is asked ---------------------------------------------------------------- */

static enum vault_problem read_principal(struct vault_call *call, struct vault_principal *out)
{
    VAULT_TRY(vault_need_operator(call));
    const char *id = call->names[0];
    kq_status status = kq_guid_is_valid(kq_slice_text(id)) ? vault_store_get_principal(call->service->store, id, out)
                                                           : KQ_ERR_NOT_FOUND;
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_NOT_FOUND, "There is no application with the client id '%.60s'.", id);
    return status == KQ_OK ? VAULT_OK : vault_fail_status(call, status, "application", NULL);
}

static enum vault_problem read_name(struct vault_call *call, const char **out)
{
    *out = NULL;
    if (!vault_json_string(call->body, "displayName", out) || *out == NULL || **out == '\0' ||
        strlen(*out) > PRINCIPAL_NAME_MAX || !kq_text_is_printable(kq_slice_text(*out)))
        return vault_fail(call, VAULT_BAD_REQUEST,
                          "displayName: text of 1 to %u bytes without control characters is wanted.",
                          PRINCIPAL_NAME_MAX);
    return VAULT_OK;
}

/* validDays of the body, a year without it. */
static enum vault_problem read_end(struct vault_call *call, uint64_t *out)
{
    int64_t days = YEAR_S / 86400;
    if (!vault_json_integer(call->body, "validDays", &days) || days < 1 || days > (int64_t)VALID_DAYS_MAX)
        return vault_fail(call, VAULT_BAD_REQUEST, "validDays: a whole number from 1 to %u is wanted.", VALID_DAYS_MAX);
    *out = call->now + (uint64_t)days * 86400;
    return VAULT_OK;
}

/* PEM, or base64 of DER in either alphabet. */
static kq_status decode_certificate(const char *text, struct kq_buffer *out)
{
    static const char mark[] = "-----BEGIN";
    KQ_AUTO_VALUE(kq_buffer) copy = {0};
    if (strncmp(text, mark, sizeof mark - 1) == 0)
        return kq_pem_decode("CERTIFICATE", kq_slice_text(text), out);
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '=')
        len--;
    kq_buffer_init(&copy, len);
    KQ_TRY(kq_buffer_append(&copy, text, len));
    for (size_t i = 0; i < copy.len; i++) {
        if (copy.data[i] == '+')
            copy.data[i] = '-';
        else if (copy.data[i] == '/')
            copy.data[i] = '_';
    }
    return kq_base64url_decode(kq_buffer_slice(&copy), out);
}

/* The certificate of the body as a record without an owner; *out_has tells if there is one. */
static enum vault_problem read_certificate(struct vault_call *call, struct vault_client_certificate *out, bool *out_has)
{
    const char *text = NULL;
    const char *why = "it is neither PEM nor base64 of DER";
    struct vault_certificate_facts facts;
    if (!vault_json_string(call->body, "certificate", &text))
        return vault_fail(call, VAULT_BAD_REQUEST, "certificate: text is wanted (PEM, or base64 of DER).");
    *out_has = text != NULL;
    if (text == NULL)
        return VAULT_OK;
    kq_buffer_init(&out->certificate, (size_t)2 * VAULT_CLIENT_CERTIFICATE_MAX);
    kq_status status = decode_certificate(text, &out->certificate);
    if (status == KQ_OK)
        status = vault_client_certificate_read(kq_buffer_slice(&out->certificate), &facts, &why);
    if (status == KQ_OK && facts.not_after < call->now) {
        why = "it has expired";
        status = KQ_ERR_EXPIRED;
    }
    if (status == KQ_ERR_MEMORY)
        return vault_fail_status(call, status, "certificate", NULL);
    if (status != KQ_OK)
        return vault_fail(call, VAULT_BAD_REQUEST, "certificate: %s.", why);
    memcpy(out->sha256, facts.sha256, sizeof out->sha256);
    memcpy(out->sha1, facts.sha1, sizeof out->sha1);
    out->not_before = facts.not_before;
    out->not_after = facts.not_after;
    out->created = call->now;
    return VAULT_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

static kq_status store_certificate(struct vault_call *call, const char *client_id,
                                   struct vault_client_certificate *record)
{
    KQ_TRY(vault_new_guid(record->id));
    snprintf(record->client_id, sizeof record->client_id, "%s", client_id);
    return vault_store_put_client_certificate(call->service->store, record);
}

/* A new secret of a client: its id, dates and, this once, its text. */
static kq_status store_secret(struct vault_call *call, const char *client_id, uint64_t expires, json_t **out)
{
    struct vault_client_secret record = {
        .scrypt_log2_n = VAULT_SECRET_LOG2_N, .created = call->now, .expires = expires};
    char text[41];
    KQ_TRY(vault_new_guid(record.id));
    snprintf(record.client_id, sizeof record.client_id, "%s", client_id);
    KQ_TRY(kq_random(record.salt, sizeof record.salt));
    KQ_TRY(vault_secret_generate(text));
    kq_status status = vault_secret_hash(kq_slice_text(text), record.salt, record.scrypt_log2_n, record.hash);
    if (status == KQ_OK)
        status = vault_store_put_client_secret(call->service->store, &record);
    if (status == KQ_OK) {
        *out = secret_json(&record);
        json_object_set_new(*out, "clientSecret", json_string(text));
    }
    kq_wipe(text, sizeof text);
    return status;
}

static enum vault_problem answer_made(struct vault_call *call, kq_status status, const char *what, json_t *value)
{
    if (status == KQ_OK)
        return vault_reply(call, 201, value);
    vault_json_free(value);
    if (status == KQ_ERR_EXISTS)
        return vault_fail(call, VAULT_CONFLICT, "%s: it is registered already.", what);
    return vault_fail_status(call, status, what, NULL);
}

/* An application with a certificate, or else with a secret. */
static kq_status store_principal(struct vault_call *call, const struct vault_principal *principal,
                                 struct vault_client_certificate *certificate, uint64_t expires, json_t **out)
{
    json_t *proof = NULL;
    KQ_TRY(vault_store_put_principal(call->service->store, principal));
    kq_status status = certificate != NULL ? store_certificate(call, principal->client_id, certificate)
                                           : store_secret(call, principal->client_id, expires, &proof);
    if (status != KQ_OK) {
        kq_ignore(vault_store_delete_principal(call->service->store, principal->client_id),
                  "an application that nobody can sign in as harms nobody");
        return status;
    }
    *out = principal_json(principal);
    json_object_set_new(*out, "tenantId", json_string(call->service->tenant_id));
    if (certificate != NULL)
        json_object_set_new(*out, "certificate", certificate_json(certificate));
    else
        json_object_set_new(*out, "secret", proof);
    return KQ_OK;
}

static enum vault_problem post_principal(struct vault_call *call)
{
    struct vault_principal principal = {.created = call->now};
    KQ_AUTO_VALUE(vault_client_certificate) certificate = {.created = 0};
    const char *name = NULL;
    json_t *answer = NULL;
    uint64_t expires = 0;
    bool has_certificate = false;
    VAULT_TRY(vault_need_operator(call));
    VAULT_TRY(read_name(call, &name));
    VAULT_TRY(read_end(call, &expires));
    VAULT_TRY(read_certificate(call, &certificate, &has_certificate));
    if (!vault_json_bool(call->body, "isOperator", &principal.is_operator))
        return vault_fail(call, VAULT_BAD_REQUEST, "isOperator: true or false is wanted.");
    kq_status status = vault_new_guid(principal.client_id);
    if (status == KQ_OK)
        status = vault_new_guid(principal.object_id);
    if (status != KQ_OK)
        return vault_fail_status(call, status, "application", NULL);
    principal.display_name = (char *)(uintptr_t)name; /* borrowed: the record is not cleared */
    VAULT_TRY(audit(call, "principal.create", principal.client_id, principal.is_operator ? "operator" : "application"));
    status = store_principal(call, &principal, has_certificate ? &certificate : NULL, expires, &answer);
    return answer_made(call, status, "application", answer);
}

static enum vault_problem post_secret(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.created = 0};
    struct vault_client_secret last;
    json_t *answer = NULL;
    uint64_t expires = 0;
    VAULT_TRY(read_principal(call, &principal));
    VAULT_TRY(read_end(call, &expires));
    kq_status status = vault_store_get_client_secret(call->service->store, principal.client_id, PROOFS_MAX - 1, &last);
    if (status == KQ_OK)
        return vault_fail(call, VAULT_CONFLICT, "An application has at most %u secrets. Remove one first.", PROOFS_MAX);
    VAULT_TRY(audit(call, "principal.secret.add", principal.client_id, ""));
    status = store_secret(call, principal.client_id, expires, &answer);
    return answer_made(call, status, "secret", answer);
}

static enum vault_problem post_certificate(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.created = 0};
    KQ_AUTO_VALUE(vault_client_certificate) certificate = {.created = 0};
    KQ_AUTO_VALUE(vault_client_certificate) last = {.created = 0};
    bool has_certificate = false;
    char sha256[65];
    VAULT_TRY(read_principal(call, &principal));
    VAULT_TRY(read_certificate(call, &certificate, &has_certificate));
    if (!has_certificate)
        return vault_fail(call, VAULT_BAD_REQUEST, "certificate: it is missing (PEM, or base64 of DER).");
    kq_status status =
        vault_store_get_client_certificate(call->service->store, principal.client_id, PROOFS_MAX - 1, &last);
    if (status == KQ_OK)
        return vault_fail(call, VAULT_CONFLICT, "An application has at most %u certificates. Remove one first.",
                          PROOFS_MAX);
    kq_hex_encode(kq_slice_of(certificate.sha256, 32), sha256);
    VAULT_TRY(audit(call, "principal.certificate.add", principal.client_id, sha256));
    status = store_certificate(call, principal.client_id, &certificate);
    return answer_made(call, status, "certificate", status == KQ_OK ? certificate_json(&certificate) : NULL);
}

/* ---- looking --------------------------------------------------------------------------------- */

static enum vault_problem get_principal(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.created = 0};
    VAULT_TRY(read_principal(call, &principal));
    json_t *answer = principal_json(&principal);
    kq_status status = answer == NULL ? KQ_ERR_MEMORY : list_proofs(call, principal.client_id, answer);
    if (status == KQ_OK)
        return vault_reply(call, 200, answer);
    vault_json_free(answer);
    return vault_fail_status(call, status, "application", NULL);
}

static bool add_principal(void *context, const struct vault_principal *principal)
{
    return json_array_append_new(context, principal_json(principal)) == 0;
}

static enum vault_problem list_principals(struct vault_call *call)
{
    struct vault_page page;
    VAULT_TRY(vault_need_operator(call));
    VAULT_TRY(vault_arm_page(call, &page));
    json_t *items = json_array();
    kq_status status = vault_store_list_principals(call->service->store, &page, add_principal, items);
    if (status == KQ_OK)
        return vault_arm_reply_list(call, items, &page);
    vault_json_free(items);
    return vault_fail_status(call, status, "applications", NULL);
}

/* ---- removing -------------------------------------------------------------------------------- */

static enum vault_problem answer_removed(struct vault_call *call, kq_status status, const char *what)
{
    if (status == KQ_ERR_NOT_FOUND)
        return vault_fail(call, VAULT_NOT_FOUND, "There is no such %s.", what);
    return status == KQ_OK ? vault_reply_empty(call, 204) : vault_fail_status(call, status, what, NULL);
}

static enum vault_problem delete_principal(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.created = 0};
    VAULT_TRY(read_principal(call, &principal));
    if (strcasecmp(principal.client_id, call->caller.client_id) == 0)
        return vault_fail(call, VAULT_CONFLICT,
                          "An application does not delete itself: there is always an operator left. Sign in as another "
                          "operator.");
    VAULT_TRY(audit(call, "principal.delete", principal.client_id, ""));
    return answer_removed(call, vault_store_delete_principal(call->service->store, principal.client_id), "application");
}

/* An id as it may stand in a log. */
static const char *shown_id(const char *id)
{
    return kq_guid_is_valid(kq_slice_text(id)) ? id : "(no id)";
}

static enum vault_problem delete_secret(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.created = 0};
    VAULT_TRY(read_principal(call, &principal));
    VAULT_TRY(audit(call, "principal.secret.remove", principal.client_id, shown_id(call->names[1])));
    return answer_removed(
        call, vault_store_delete_client_secret(call->service->store, principal.client_id, call->names[1]), "secret");
}

static enum vault_problem delete_certificate(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_principal) principal = {.created = 0};
    VAULT_TRY(read_principal(call, &principal));
    VAULT_TRY(audit(call, "principal.certificate.remove", principal.client_id, shown_id(call->names[1])));
    return answer_removed(
        call, vault_store_delete_client_certificate(call->service->store, principal.client_id, call->names[1]),
        "certificate");
}

#define MANAGEMENT VAULT_HOST_MANAGEMENT
#define OURS VAULT_ROUTE_NO_VERSION
const struct vault_route vault_principal_routes[] = {
    {MANAGEMENT, VAULT_GET, "/keyquay/principals", list_principals, 0, OURS},
    {MANAGEMENT, VAULT_POST, "/keyquay/principals", post_principal, 0, OURS | VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_GET, "/keyquay/principals/{}", get_principal, 0, OURS},
    {MANAGEMENT, VAULT_DELETE, "/keyquay/principals/{}", delete_principal, 0, OURS},
    {MANAGEMENT, VAULT_POST, "/keyquay/principals/{}/secrets", post_secret, 0, OURS | VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_DELETE, "/keyquay/principals/{}/secrets/{}", delete_secret, 0, OURS},
    {MANAGEMENT, VAULT_POST, "/keyquay/principals/{}/certificates", post_certificate, 0, OURS | VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_DELETE, "/keyquay/principals/{}/certificates/{}", delete_certificate, 0, OURS},
    {MANAGEMENT, VAULT_GET, "/keyquay/people", vault_people_list, 0, OURS},
    {MANAGEMENT, VAULT_POST, "/keyquay/people", vault_people_post, 0, OURS | VAULT_ROUTE_BODY},
    {MANAGEMENT, VAULT_GET, "/keyquay/people/{}", vault_people_get, 0, OURS},
    {MANAGEMENT, VAULT_DELETE, "/keyquay/people/{}", vault_people_delete, 0, OURS},
    {.method = 0},
};
