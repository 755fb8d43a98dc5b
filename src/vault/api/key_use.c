#include "vault/api/keys.h"

#include "base/text.h"
#include "vault/api/bundle.h"
#include "vault/core/algorithms.h"

/* What keys are for: sign, verify, encrypt, decrypt, wrap, unwrap. The order of
 * the checks is the order of the answers: the key, its attributes, its key_ops,
 * the algorithm, the value. */

#define LEEWAY_S 300u     /* of other hosts' clocks, for nbf and exp */
#define VALUE_MAX 16384u  /* far above any digest, signature or block */
#define PKCS1_PADDING 11u /* RFC 8017 7.2.1, 9.2 */
#define RESULT_MAX 4096u

struct use {
    enum vault_key_op op;
    const char *text; /* "sign" of messages and key_ops */
    bool is_bounded;  /* refused outside nbf and exp; what undoes an earlier use is not */
};

static const struct use use_encrypt = {VAULT_OP_ENCRYPT, "encrypt", true};
static const struct use use_decrypt = {VAULT_OP_DECRYPT, "decrypt", false};
static const struct use use_sign = {VAULT_OP_SIGN, "sign", true};
static const struct use use_verify = {VAULT_OP_VERIFY, "verify", false};
static const struct use use_wrap = {VAULT_OP_WRAP, "wrapKey", true};
static const struct use use_unwrap = {VAULT_OP_UNWRAP, "unwrapKey", false};

/* ---- may this key do it now? ------------------------------------------------------------ */

static enum vault_problem check_attributes(struct vault_call *call, const struct use *use,
                                           const struct vault_key_version *version)
{
    if (!version->enabled)
        return vault_fail(call, VAULT_KEY_DISABLED, "Operation %s is not allowed on a disabled key.", use->text);
    if (use->is_bounded && version->nbf != 0 && call->now + LEEWAY_S < version->nbf)
        return vault_fail(call, VAULT_KEY_NOT_YET_VALID, "Operation %s is not allowed on a key that is not yet valid.",
                          use->text);
    if (use->is_bounded && version->exp != 0 && call->now > version->exp + LEEWAY_S)
        return vault_fail(call, VAULT_KEY_EXPIRED, "Operation %s is not allowed on an expired key.", use->text);
    if ((version->key_ops & use->op) == 0)
        return vault_fail(call, VAULT_KEY_OPERATION_FORBIDDEN, "Operation %s is not permitted on this key.", use->text);
    return VAULT_OK;
}

static enum vault_problem read_algorithm(struct vault_call *call, const struct use *use,
                                         const struct vault_key_version *version, const struct vault_algorithm **out)
{
    const char *name = NULL;
    if (!vault_json_string(call->body, "alg", &name) || name == NULL)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'alg' is required and names an algorithm.");
    const struct vault_algorithm *algorithm = vault_algorithm_find(name);
    if (algorithm == NULL)
        return vault_fail(call, VAULT_BAD_PARAMETER, "Invalid alg value: %.40s", name);
    if ((algorithm->ops & use->op) == 0)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The algorithm %s cannot %s.", name, use->text);
    bool is_rsa = version->type == KQ_KEY_RSA;
    if (algorithm->for_rsa != is_rsa || (!is_rsa && algorithm->type != (enum kq_key_type)version->type))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The algorithm %s does not fit a key of type %s%s%s.", name,
                          vault_kty_text((enum vault_kty)version->kty), is_rsa ? "" : " on ",
                          is_rsa ? "" : vault_curve_text((enum kq_key_type)version->type));
    *out = algorithm;
    return VAULT_OK;
}

/* ---- what it does it to ---------------------------------------------------------------------- */

static enum vault_problem read_bytes(struct vault_call *call, const char *name, struct kq_buffer *out)
{
    const char *text = NULL;
    if (!vault_json_string(call->body, name, &text) || text == NULL)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property '%s' is required, in base64url.", name);
    kq_buffer_init(out, VALUE_MAX);
    kq_status status = kq_base64url_decode(kq_slice_text(text), out);
    if (status == KQ_OK)
        return VAULT_OK;
    if (status == KQ_ERR_MEMORY)
        return vault_fail_status(call, status, name, NULL);
    return vault_fail(call, VAULT_BAD_PARAMETER, "The property '%s' must be base64url without padding%s.", name,
                      status == KQ_ERR_TOO_LARGE ? ", and is too long" : "");
}

static enum vault_problem check_digest(struct vault_call *call, const char *name,
                                       const struct vault_algorithm *algorithm, size_t modulus_len, size_t len)
{
    if (algorithm->digest_len != 0 && len != algorithm->digest_len)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Invalid length of '%s': %zu bytes. %s requires %zu bytes, encoded with base64url.", name,
                          len, algorithm->name, algorithm->digest_len);
    if (algorithm->digest_len == 0 && (len == 0 || len + PKCS1_PADDING > modulus_len))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Invalid length of '%s': %zu bytes. %s takes 1 to %zu bytes with this key.", name, len,
                          algorithm->name, modulus_len - PKCS1_PADDING);
    return VAULT_OK;
}

static size_t room_for(const struct vault_algorithm *algorithm, size_t modulus_len)
{
    if (algorithm->mechanism == KQ_MECH_RSA_PKCS1)
        return modulus_len - PKCS1_PADDING;
    size_t hash_len = algorithm->mechanism == KQ_MECH_RSA_OAEP_SHA1 ? 20 : 32;
    return modulus_len - 2 * hash_len - 2; /* RFC 8017 7.1.1 */
}

static enum vault_problem check_value(struct vault_call *call, const struct use *use,
                                      const struct vault_algorithm *algorithm, size_t modulus_len, size_t len)
{
    if (use->op == VAULT_OP_SIGN)
        return check_digest(call, "value", algorithm, modulus_len, len);
    bool is_hiding = use->op == VAULT_OP_ENCRYPT || use->op == VAULT_OP_WRAP;
    size_t room = room_for(algorithm, modulus_len);
    if (is_hiding && (len == 0 || len > room))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Invalid length of 'value': %zu bytes. %s takes 1 to %zu bytes with this key.", len,
                          algorithm->name, room);
    if (!is_hiding && len != modulus_len)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "Invalid length of 'value': %zu bytes. What this key has encrypted has %zu bytes.", len,
                          modulus_len);
    return VAULT_OK;
}

/* ---- doing it ------------------------------------------------------------------------------------ */

struct using
{
    struct vault_key_view view;
    const struct vault_algorithm *algorithm;
    size_t modulus_len; /* RSA */
    struct kq_buffer value;
    struct kq_buffer digest; /* verify */
    struct kq_buffer result;
};

static void using_clear(struct using *using)
{
    vault_key_view_clear(&using->view);
    kq_buffer_clear(&using->value);
    kq_buffer_clear(&using->digest);
    kq_buffer_clear(&using->result);
}
KQ_AUTO_DEFINE_VALUE(using);

static enum vault_problem begin(struct vault_call *call, const struct use *use, struct using *using)
{
    VAULT_TRY(vault_find_key(call, call->names[0], call->names[1], &using->view));
    VAULT_TRY(check_attributes(call, use, &using->view.version));
    VAULT_TRY(read_algorithm(call, use, &using->view.version, &using->algorithm));
    using->modulus_len = (using->view.version.bits + 7) / 8;
    return read_bytes(call, "value", &using->value);
}

/* A stored version that its module refuses is a damaged store, whatever the module says of it;
 * only a decryption may fail because of what the client sent. */
static enum vault_problem fail_use(struct vault_call *call, const struct use *use, kq_status status,
                                   const char why[VAULT_WHY_SIZE])
{
    bool is_decryption = use->op == VAULT_OP_DECRYPT || use->op == VAULT_OP_UNWRAP;
    if (is_decryption && status == KQ_ERR_AUTH)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The value cannot be decrypted with this key and algorithm.");
    if (status == KQ_ERR_CONNECT || status == KQ_ERR_OUTCOME_UNKNOWN || status == KQ_ERR_DENIED ||
        status == KQ_ERR_WAIT || status == KQ_ERR_STATE)
        return vault_fail_status(call, status, use->text, why);
    return vault_fail(call, VAULT_INTERNAL, "%s: the module refused the stored key: %s", use->text,
                      why[0] == '\0' ? kq_status_text(status) : why);
}

static enum vault_problem reply_result(struct vault_call *call, const struct using *using)
{
    return vault_reply(call, 200,
                       json_pack("{s:o, s:o}", "kid",
                                 vault_kid(call, "keys", using->view.key.name, using->view.version.version), "value",
                                 vault_base64url(kq_buffer_slice(&using->result))));
}

static enum vault_problem use_key(struct vault_call *call, const struct use *use)
{
    KQ_AUTO_VALUE(using) using = {0};
    char why[VAULT_WHY_SIZE] = "";
    VAULT_TRY(begin(call, use, &using));
    VAULT_TRY(check_value(call, use, using.algorithm, using.modulus_len, using.value.len));
    kq_buffer_init(&using.result, RESULT_MAX);
    struct vault_key_ref place = vault_key_place(&call->vault, &using.view);
    kq_status status = vault_keyops_use(call->service->keyops, &place, use->op, using.algorithm,
                                        kq_buffer_slice(&using.value), &using.result, why);
    return status == KQ_OK ? reply_result(call, &using) : fail_use(call, use, status, why);
}

static enum vault_problem encrypt(struct vault_call *call)
{
    return use_key(call, &use_encrypt);
}

static enum vault_problem decrypt(struct vault_call *call)
{
    return use_key(call, &use_decrypt);
}

static enum vault_problem sign(struct vault_call *call)
{
    return use_key(call, &use_sign);
}

static enum vault_problem wrap(struct vault_call *call)
{
    return use_key(call, &use_wrap);
}

static enum vault_problem unwrap(struct vault_call *call)
{
    return use_key(call, &use_unwrap);
}

static enum vault_problem verify(struct vault_call *call)
{
    KQ_AUTO_VALUE(using) using = {0};
    const char why[VAULT_WHY_SIZE] = "";
    bool is_valid = false;
    VAULT_TRY(begin(call, &use_verify, &using));
    VAULT_TRY(read_bytes(call, "digest", &using.digest));
    VAULT_TRY(check_digest(call, "digest", using.algorithm, using.modulus_len, using.digest.len));
    kq_status status = vault_keyops_verify(kq_buffer_slice(&using.view.version.public_key), using.algorithm,
                                           kq_buffer_slice(&using.digest), kq_buffer_slice(&using.value), &is_valid);
    if (status != KQ_OK)
        return fail_use(call, &use_verify, status, why);
    return vault_reply(call, 200, json_pack("{s:b}", "value", (int)is_valid));
}

#define V VAULT_HOST_VAULT
#define P(NAME) VAULT_PERMISSION_##NAME
#define USE(operation, handler, NAME)                                                                                  \
    {V, VAULT_POST, "/keys/{}/" operation, handler, P(NAME), VAULT_ROUTE_BODY},                                        \
    {                                                                                                                  \
        V, VAULT_POST, "/keys/{}/{}/" operation, handler, P(NAME), VAULT_ROUTE_BODY                                    \
    }

const struct vault_route vault_key_use_routes[] = {
    USE("sign", sign, SIGN),
    USE("verify", verify, VERIFY),
    USE("encrypt", encrypt, ENCRYPT),
    USE("decrypt", decrypt, DECRYPT),
    USE("wrapkey", wrap, WRAP),
    USE("unwrapkey", unwrap, UNWRAP),
    {0},
};
