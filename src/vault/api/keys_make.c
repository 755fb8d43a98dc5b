#include "vault/api/keys.h"

#include "base/wipe.h"
#include "vault/api/key_input.h"
#include "wire/formats.h"
#include "wire/messages.h"

#define EXPONENT_MIN 65537 /* the module makes no keys below it */

/* Keys come to be: made in the module, brought in a transfer package, or
 * imported from a JSON Web Key. */

static enum vault_problem fail_module(struct vault_call *call, kq_status status, const char *what,
                                      const char why[VAULT_WHY_SIZE])
{
    return vault_fail_status(call, status, what, why);
}

/* ---- create ---------------------------------------------------------------------------- */

struct creation {
    enum vault_kty kty;
    enum kq_key_type type;
    uint64_t bits;
    uint64_t exponent;
    uint32_t purpose;
};

static enum vault_problem read_size(struct vault_call *call, struct creation *out)
{
    int64_t size = 2048, exponent = 0;
    if (!vault_json_integer(call->body, "key_size", &size) || (size != 2048 && size != 3072 && size != 4096))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The property 'key_size' must be 2048, 3072 or 4096 for RSA keys.");
    if (!vault_json_integer(call->body, "public_exponent", &exponent) ||
        (exponent != 0 && (exponent < EXPONENT_MIN || exponent % 2 == 0)))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The property 'public_exponent' must be an odd number of at least %d.", EXPONENT_MIN);
    out->type = KQ_KEY_RSA;
    out->bits = (uint64_t)size;
    out->exponent = (uint64_t)exponent;
    return VAULT_OK;
}

static uint64_t curve_bits(enum kq_key_type type)
{
    return type == KQ_KEY_EC_P384 ? 384 : type == KQ_KEY_EC_P521 ? 521 : 256;
}

static enum vault_problem read_creation(struct vault_call *call, struct creation *out, uint32_t *out_ops)
{
    VAULT_TRY(vault_read_kty(call, call->body, &out->kty));
    VAULT_TRY(vault_check_sku(call, out->kty));
    VAULT_TRY(vault_refuse_release(call, call->body));
    bool is_rsa = vault_kty_is_rsa(out->kty);
    *out_ops = is_rsa ? VAULT_OPS_RSA : VAULT_OPS_EC;
    VAULT_TRY(vault_read_key_ops(call, call->body, out_ops));
    bool is_exchange = *out_ops == VAULT_OP_IMPORT && out->kty == VAULT_KTY_RSA_HSM;
    out->purpose = is_exchange ? KQ_VAULT_PURPOSE_IMPORT : KQ_VAULT_PURPOSE_USE;
    VAULT_TRY(vault_check_key_ops(call, *out_ops, out->kty, out->purpose));
    if (is_rsa)
        return read_size(call, out);
    out->type = KQ_KEY_EC_P256;
    VAULT_TRY(vault_read_curve(call, call->body, &out->type));
    out->bits = curve_bits(out->type);
    return VAULT_OK;
}

enum vault_problem vault_create_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    KQ_AUTO_VALUE(vault_made_key) made = {0};
    struct creation creation = {0};
    char why[VAULT_WHY_SIZE] = "";
    VAULT_TRY(vault_begin_version(call, call->names[0], &view));
    VAULT_TRY(read_creation(call, &creation, &view.version.key_ops));
    VAULT_TRY(vault_read_attributes(call, call->body, &view.version));
    VAULT_TRY(vault_read_tags(call, call->body, &view.version));
    view.version.kty = creation.kty;
    view.version.purpose = creation.purpose;
    struct vault_key_ref place = vault_key_place(&call->vault, &view);
    kq_status status = vault_keyops_generate(call->service->keyops, &place, creation.type, creation.bits,
                                             creation.exponent, creation.purpose, &made, why);
    if (status != KQ_OK)
        return fail_module(call, status, "create key", why);
    return vault_finish_version(call, &view, &made);
}

/* ---- import: transfer packages ------------------------------------------------------------ */

/* The vendor-neutral package is a JSON object; ours never begins like one. */
static bool is_json(struct kq_slice file)
{
    size_t i = 0;
    while (i < file.len &&
           (file.data[i] == ' ' || file.data[i] == '\t' || file.data[i] == '\r' || file.data[i] == '\n'))
        i++;
    return i < file.len && file.data[i] == '{';
}

static enum vault_problem read_package(struct vault_call *call, const char *text, struct kq_buffer *out)
{
    kq_buffer_init(out, KQ_TRANSFER_PACKAGE_FILE_MAX);
    kq_status status = vault_base64_decode(kq_slice_text(text), out);
    if (status == KQ_ERR_MEMORY)
        return vault_fail_status(call, status, "key_hsm", NULL);
    if (status == KQ_ERR_TOO_LARGE)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The property 'key_hsm' is too long: a transfer package has at most "
                          "%u bytes.",
                          KQ_TRANSFER_PACKAGE_FILE_MAX);
    if (status != KQ_OK || out->len == 0)
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The property 'key_hsm' must be the whole .byok file in base64url or base64.");
    if (is_json(kq_buffer_slice(out)))
        return vault_fail(call, VAULT_NOT_SUPPORTED,
                          "key_hsm is a vendor-neutral (JSON) transfer package. This service imports the packages that "
                          "KeyTransferRemote writes.");
    return VAULT_OK;
}

/* What the request says of the key must be what the package holds. */
static enum vault_problem check_made(struct vault_call *call, enum vault_kty kty, const char *curve,
                                     const struct vault_made_key *made)
{
    enum kq_key_type stated = made->type;
    if (vault_kty_is_rsa(kty) != (made->type == KQ_KEY_RSA))
        return vault_fail(call, VAULT_BAD_PARAMETER, "kty says %s, but the package holds another type of key.",
                          vault_kty_text(kty));
    if (made->type != KQ_KEY_RSA && curve != NULL && (!vault_curve_find(curve, &stated) || stated != made->type))
        return vault_fail(call, VAULT_BAD_PARAMETER, "crv says %.40s, but the package holds a key on %s.", curve,
                          vault_curve_text(made->type));
    return VAULT_OK;
}

static enum vault_problem import_package(struct vault_call *call, const json_t *jwk, const char *text,
                                         struct vault_key_view *view, struct vault_made_key *made)
{
    KQ_AUTO_VALUE(kq_buffer) package = {0};
    const char *curve = NULL;
    char why[VAULT_WHY_SIZE] = "";
    enum vault_kty kty = (enum vault_kty)view->version.kty;
    if (!vault_json_string(jwk, "crv", &curve))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'crv' must be a string.");
    VAULT_TRY(read_package(call, text, &package));
    struct vault_key_ref place = vault_key_place(&call->vault, view);
    kq_status status = vault_keyops_import_package(call->service->keyops, &place, kq_buffer_slice(&package),
                                                   call->service->origin_policy, made, why);
    if (status != KQ_OK)
        return fail_module(call, status, "import of the transfer package", why);
    return check_made(call, kty, curve, made);
}

/* ---- import: JSON Web Keys ------------------------------------------------------------------- */

/* The text of a member is wiped where it lies; jansson's copy is the last one in the tree. */
static void wipe_member(json_t *jwk, const char *name)
{
    json_t *value = json_object_get(jwk, name);
    if (json_is_string(value))
        kq_wipe((char *)json_string_value(value), json_string_length(value));
}

static void wipe_private_members(const json_t *body)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "k"};
    json_t *jwk = json_object_get(body, "key");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        wipe_member(jwk, names[i]);
}

static enum vault_problem read_member(struct vault_call *call, const json_t *jwk, const char *name, bool is_required,
                                      const char **out)
{
    if (!vault_json_string(jwk, name, out) || (*out == NULL && is_required))
        return vault_fail(call, VAULT_BAD_PARAMETER,
                          "The property \"key\" must be a valid JsonWebKey object: '%s' is %s.", name,
                          json_object_get(jwk, name) == NULL ? "missing" : "not a string");
    if (*out != NULL && strlen(*out) > KQ_JWK_MEMBER_MAX)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The member '%s' of the key is too long.", name);
    return VAULT_OK;
}

static enum vault_problem read_rsa(struct vault_call *call, const json_t *jwk, struct vault_clear_jwk *out)
{
    VAULT_TRY(read_member(call, jwk, "n", true, &out->n));
    VAULT_TRY(read_member(call, jwk, "e", true, &out->e));
    VAULT_TRY(read_member(call, jwk, "d", true, &out->d));
    VAULT_TRY(read_member(call, jwk, "p", true, &out->p));
    VAULT_TRY(read_member(call, jwk, "q", true, &out->q));
    VAULT_TRY(read_member(call, jwk, "dp", false, &out->dp));
    VAULT_TRY(read_member(call, jwk, "dq", false, &out->dq));
    VAULT_TRY(read_member(call, jwk, "qi", false, &out->qi));
    out->type = KQ_KEY_RSA;
    return VAULT_OK;
}

static enum vault_problem read_ec(struct vault_call *call, const json_t *jwk, struct vault_clear_jwk *out)
{
    const char *curve = NULL;
    VAULT_TRY(read_member(call, jwk, "crv", true, &curve));
    VAULT_TRY(vault_read_curve(call, jwk, &out->type));
    VAULT_TRY(read_member(call, jwk, "x", true, &out->x));
    VAULT_TRY(read_member(call, jwk, "y", true, &out->y));
    return read_member(call, jwk, "d", true, &out->d);
}

static enum vault_problem import_clear(struct vault_call *call, const json_t *jwk, struct vault_key_view *view,
                                       struct vault_made_key *made)
{
    struct vault_clear_jwk clear = {0};
    char why[VAULT_WHY_SIZE] = "";
    if (call->service->refuses_clear_import)
        return vault_fail(call, VAULT_NOT_SUPPORTED,
                          "Import of keys in the clear is switched off here: bring a transfer package in key_hsm.");
    VAULT_TRY(vault_kty_is_rsa((enum vault_kty)view->version.kty) ? read_rsa(call, jwk, &clear)
                                                                  : read_ec(call, jwk, &clear));
    struct vault_key_ref place = vault_key_place(&call->vault, view);
    kq_status status = vault_keyops_import_clear(call->service->keyops, &place, &clear, made, why);
    return status == KQ_OK ? VAULT_OK : fail_module(call, status, "import of the key", why);
}

/* ---- import ------------------------------------------------------------------------------------- */

/* "Hsm" asks for the hardware kind; a hardware kty and a package do so too, whatever Hsm says. */
static enum vault_problem read_kind(struct vault_call *call, const json_t *jwk, bool is_package, enum vault_kty *out)
{
    bool wants_hsm = false;
    if (!vault_json_bool(call->body, "Hsm", &wants_hsm))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'Hsm' must be true or false.");
    VAULT_TRY(vault_read_kty(call, jwk, out));
    if (wants_hsm || is_package)
        *out = vault_kty_is_rsa(*out) ? VAULT_KTY_RSA_HSM : VAULT_KTY_EC_HSM;
    return vault_check_sku(call, *out);
}

static enum vault_problem read_import(struct vault_call *call, const json_t *jwk, bool is_package,
                                      struct vault_key_version *version)
{
    enum vault_kty kty = VAULT_KTY_UNKNOWN;
    VAULT_TRY(read_kind(call, jwk, is_package, &kty));
    VAULT_TRY(vault_refuse_release(call, call->body));
    version->kty = kty;
    version->purpose = KQ_VAULT_PURPOSE_USE;
    version->key_ops = vault_kty_is_rsa(kty) ? VAULT_OPS_RSA : VAULT_OPS_EC;
    VAULT_TRY(vault_read_key_ops(call, jwk, &version->key_ops));
    VAULT_TRY(vault_check_key_ops(call, version->key_ops, kty, version->purpose));
    VAULT_TRY(vault_read_attributes(call, call->body, version));
    return vault_read_tags(call, call->body, version);
}

static enum vault_problem import_key(struct vault_call *call)
{
    KQ_AUTO_VALUE(vault_key_view) view = {0};
    KQ_AUTO_VALUE(vault_made_key) made = {0};
    const json_t *jwk = NULL;
    const char *package = NULL;
    if (!vault_json_object(call->body, "key", &jwk) || jwk == NULL)
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property \"key\" must be a valid JsonWebKey object.");
    if (!vault_json_string(jwk, "key_hsm", &package))
        return vault_fail(call, VAULT_BAD_PARAMETER, "The property 'key_hsm' must be a string.");
    VAULT_TRY(vault_begin_version(call, call->names[0], &view));
    VAULT_TRY(read_import(call, jwk, package != NULL, &view.version));
    VAULT_TRY(package != NULL ? import_package(call, jwk, package, &view, &made)
                              : import_clear(call, jwk, &view, &made));
    return vault_finish_version(call, &view, &made);
}

enum vault_problem vault_import_key(struct vault_call *call)
{
    enum vault_problem problem = import_key(call);
    wipe_private_members(call->body);
    return problem;
}
