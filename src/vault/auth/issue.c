#include "base/random.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "vault/auth/authority.h"
#include "vault/auth/jws.h"
#include "vault/json/json.h"

#define SIGNATURE_MAX 2048u /* RSA of 16384 bits */
#define TOKEN_ID_BYTES 16u

static const enum vault_audience kinds[] = {VAULT_AUDIENCE_VAULT, VAULT_AUDIENCE_MANAGEMENT, VAULT_AUDIENCE_GRAPH};

bool vault_token_is_for_us(const struct vault_authority *authority, const char *audience)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strlen(audience) < VAULT_AUDIENCE_MAX && vault_audience_is(&authority->rules, audience, kinds[i]))
            return true;
    return false;
}

/* Appends base64url of a JSON value; takes the value, NULL for no memory. */
static kq_status put_part(json_t *value, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, VAULT_TOKEN_MAX);
    if (value == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = vault_json_write(value, &text);
    vault_json_free(value);
    KQ_TRY(status);
    return kq_base64url_encode(kq_buffer_slice(&text), out);
}

static json_t *header_of(const struct vault_authority *authority)
{
    return json_pack("{s:s,s:O,s:s}", "typ", "JWT", "alg", json_object_get(authority->jwk, "alg"), "kid",
                     authority->kid);
}

/* What the token of a person says beside it. */
static int add_person(json_t *claims, const struct vault_token_subject *subject)
{
    if (claims == NULL || subject->user_name == NULL)
        return 0;
    return json_object_set_new(claims, "upn", json_string(subject->user_name)) |
           json_object_set_new(claims, "unique_name", json_string(subject->user_name)) |
           json_object_set_new(claims, "name", json_string(subject->display_name)) |
           json_object_set_new(claims, "scp", json_string("user_impersonation"));
}

/* The layout of the version 1.0 tokens a key vault is used to. */
static json_t *claims_of(const struct vault_authority *authority, const struct vault_token_subject *subject,
                         uint64_t now, struct kq_slice token_id)
{
    const char *issuer = authority->rules.issuer;
    const char proof[] = {(char)('0' + subject->proof), '\0'};
    json_t *claims = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s%,s:s}", "aud", subject->audience, "iss", issuer, "iat",
        (json_int_t)now, "nbf", (json_int_t)now, "exp", (json_int_t)(now + authority->token_life_s), "appid",
        subject->client_id, "appidacr", proof, "idp", issuer, "oid", subject->object_id, "sub", subject->object_id,
        "tid", authority->rules.tenant_id, "uti", (const char *)token_id.data, token_id.len, "ver", "1.0");
    if (add_person(claims, subject) == 0)
        return claims;
    vault_json_free(claims);
    return NULL;
}

static kq_status make_claims(const struct vault_authority *authority, const struct vault_token_subject *subject,
                             uint64_t now, json_t **out)
{
    uint8_t bytes[TOKEN_ID_BYTES];
    KQ_AUTO_VALUE(kq_buffer) token_id = {0};
    kq_buffer_init(&token_id, 2 * TOKEN_ID_BYTES);
    KQ_TRY(kq_random(bytes, sizeof bytes));
    KQ_TRY(kq_base64url_encode(kq_slice_of(bytes, sizeof bytes), &token_id));
    *out = claims_of(authority, subject, now, kq_buffer_slice(&token_id));
    return KQ_OK;
}

/* What a person's client is told about the person. */
static json_t *id_claims_of(const struct vault_authority *authority, const struct vault_token_subject *subject,
                            uint64_t now)
{
    return json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "aud", subject->client_id, "iss",
                     authority->rules.issuer, "iat", (json_int_t)now, "nbf", (json_int_t)now, "exp",
                     (json_int_t)(now + authority->token_life_s), "oid", subject->object_id, "sub", subject->object_id,
                     "tid", authority->rules.tenant_id, "preferred_username", subject->user_name, "upn",
                     subject->user_name, "name", subject->display_name, "ver", "1.0");
}

static kq_status put_signature(const struct vault_authority *authority, struct kq_buffer *token)
{
    uint8_t digest[32];
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&signature, SIGNATURE_MAX);
    kq_sha256(kq_buffer_slice(token), digest);
    KQ_TRY(authority->sign(authority->sign_context, kq_slice_of(digest, sizeof digest), &signature));
    KQ_TRY(kq_buffer_append(token, ".", 1));
    return kq_base64url_encode(kq_buffer_slice(&signature), token);
}

/* Appends the token of these claims; takes them, NULL for no memory. */
static kq_status put_token(struct vault_authority *authority, json_t *claims, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) payload = {0};
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    kq_buffer_init(&payload, VAULT_TOKEN_MAX);
    kq_buffer_init(&token, VAULT_TOKEN_MAX);
    KQ_TRY(put_part(claims, &payload));
    KQ_TRY(put_part(header_of(authority), &token));
    KQ_TRY(kq_buffer_append(&token, ".", 1));
    KQ_TRY(kq_buffer_append(&token, payload.data, payload.len));
    KQ_TRY(put_signature(authority, &token));
    return kq_buffer_append(out, token.data, token.len);
}

kq_status vault_token_issue_to(struct vault_authority *authority, const struct vault_token_subject *subject,
                               uint64_t now, struct kq_buffer *out)
{
    json_t *claims = NULL;
    if (!vault_token_is_for_us(authority, subject->audience))
        return KQ_ERR_NOT_FOUND;
    KQ_TRY(make_claims(authority, subject, now, &claims));
    return put_token(authority, claims, out);
}

kq_status vault_id_token_issue(struct vault_authority *authority, const struct vault_token_subject *subject,
                               uint64_t now, struct kq_buffer *out)
{
    return put_token(authority, id_claims_of(authority, subject, now), out);
}

kq_status vault_token_issue(struct vault_authority *authority, const char *client_id, const char *object_id,
                            const char *audience, uint64_t now, struct kq_buffer *out)
{
    const struct vault_token_subject subject = {
        .client_id = client_id, .object_id = object_id, .audience = audience, .proof = VAULT_TOKEN_BY_SECRET};
    return vault_token_issue_to(authority, &subject, now, out);
}
