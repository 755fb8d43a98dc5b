#include "base/random.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "vault/auth/authority.h"
#include "vault/auth/jws.h"
#include "vault/json/json.h"

#define SIGNATURE_MAX 2048u /* RSA of 16384 bits */
#define TOKEN_ID_BYTES 16u

static const enum vault_audience kinds[] = {VAULT_AUDIENCE_VAULT, VAULT_AUDIENCE_MANAGEMENT, VAULT_AUDIENCE_GRAPH};

static bool is_ours(const struct vault_authority *authority, const char *audience)
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

/* The layout of the version 1.0 tokens a key vault is used to. */
static json_t *claims_of(const struct vault_authority *authority, const char *client_id, const char *object_id,
                         const char *audience, uint64_t now, struct kq_slice token_id)
{
    const char *issuer = authority->rules.issuer;
    return json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s%,s:s}", "aud", audience, "iss", issuer, "iat",
                     (json_int_t)now, "nbf", (json_int_t)now, "exp", (json_int_t)(now + authority->token_life_s),
                     "appid", client_id, "appidacr", "1", "idp", issuer, "oid", object_id, "sub", object_id, "tid",
                     authority->rules.tenant_id, "uti", (const char *)token_id.data, token_id.len, "ver", "1.0");
}

static kq_status put_claims(const struct vault_authority *authority, const char *client_id, const char *object_id,
                            const char *audience, uint64_t now, struct kq_buffer *token)
{
    uint8_t bytes[TOKEN_ID_BYTES];
    KQ_AUTO_VALUE(kq_buffer) token_id = {0};
    kq_buffer_init(&token_id, 2 * TOKEN_ID_BYTES);
    KQ_TRY(kq_random(bytes, sizeof bytes));
    KQ_TRY(kq_base64url_encode(kq_slice_of(bytes, sizeof bytes), &token_id));
    return put_part(claims_of(authority, client_id, object_id, audience, now, kq_buffer_slice(&token_id)), token);
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

kq_status vault_token_issue(struct vault_authority *authority, const char *client_id, const char *object_id,
                            const char *audience, uint64_t now, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) token = {0};
    kq_buffer_init(&token, VAULT_TOKEN_MAX);
    if (!is_ours(authority, audience))
        return KQ_ERR_NOT_FOUND;
    KQ_TRY(put_part(header_of(authority), &token));
    KQ_TRY(kq_buffer_append(&token, ".", 1));
    KQ_TRY(put_claims(authority, client_id, object_id, audience, now, &token));
    KQ_TRY(put_signature(authority, &token));
    return kq_buffer_append(out, token.data, token.len);
}
