#include "vault/platform.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

#define CA_DAYS 3650u
#define SERVER_DAYS 397u /* what clients accept at most */
#define DAY_S 86400u
#define CLOCKS_DIFFER_S 3600u
#define PEM_MAX 65536u
#define STORED_MAX 65536u

void vault_platform_clear(struct vault_platform *platform)
{
    kq_buffer_clear(&platform->ca);
    kq_buffer_clear(&platform->tls);
    kq_buffer_clear(&platform->token);
}

/* ---- keys ------------------------------------------------------------------------------ */

struct wanted {
    const char *name;
    const char *setting;
    enum kq_key_type type;
    uint64_t bits;
    struct kq_buffer *stored;
};

static kq_status open_key(const struct wanted *wanted, struct vault_store *store, struct vault_keyops *keyops,
                          enum vault_platform_act act, char *out_error, size_t out_error_size)
{
    kq_buffer_init(wanted->stored, STORED_MAX);
    kq_status status = vault_store_get_setting(store, wanted->setting, wanted->stored);
    if (status == KQ_OK)
        return KQ_OK;
    char why[VAULT_WHY_SIZE] = "";
    if (status == KQ_ERR_NOT_FOUND && act == VAULT_PLATFORM_MAKE) {
        status = vault_keyops_platform_make(keyops, wanted->name, wanted->type, wanted->bits, wanted->stored, why);
        if (status == KQ_OK)
            status = vault_store_put_setting(store, wanted->setting, kq_buffer_slice(wanted->stored));
    }
    if (status != KQ_OK)
        snprintf(out_error, out_error_size, "the service's key '%s': %s%s%s", wanted->name,
                 status == KQ_ERR_NOT_FOUND ? "not made yet; run keyvaultd --init" : kq_status_text(status),
                 why[0] != '\0' ? ": " : "", why);
    return status;
}

kq_status vault_platform_open(struct vault_platform *platform, struct vault_store *store, struct vault_keyops *keyops,
                              enum vault_platform_act act, char *out_error, size_t out_error_size)
{
    const struct wanted all[] = {
        {"ca", "platform-key/ca", KQ_KEY_EC_P256, 256, &platform->ca},
        {"tls", "platform-key/tls", KQ_KEY_EC_P256, 256, &platform->tls},
        {"token", "platform-key/token", KQ_KEY_RSA, 2048, &platform->token},
    };
    platform->keyops = keyops;
    for (size_t i = 0; i < KQ_COUNT_OF(all); i++)
        KQ_TRY(open_key(&all[i], store, keyops, act, out_error, out_error_size));
    return KQ_OK;
}

static struct vault_platform_key key_of(const char *name, const struct kq_buffer *stored)
{
    return (struct vault_platform_key){.name = name, .stored = kq_buffer_slice(stored)};
}

kq_status vault_platform_sign_tls(void *context, struct kq_slice digest, struct kq_buffer *out)
{
    const struct vault_platform *platform = context;
    const struct vault_platform_key key = key_of("tls", &platform->tls);
    return vault_keyops_platform_sign(platform->keyops, &key, KQ_MECH_ECDSA, digest, out);
}

kq_status vault_platform_sign_token(void *context, struct kq_slice digest, struct kq_buffer *out)
{
    const struct vault_platform *platform = context;
    const struct vault_platform_key key = key_of("token", &platform->token);
    return vault_keyops_platform_sign(platform->keyops, &key, KQ_MECH_RSA_PKCS1_SHA256, digest, out);
}

static kq_status sign_ca(void *context, struct kq_slice digest, struct kq_buffer *out)
{
    const struct vault_platform *platform = context;
    const struct vault_platform_key key = key_of("ca", &platform->ca);
    return vault_keyops_platform_sign(platform->keyops, &key, KQ_MECH_ECDSA, digest, out);
}

kq_status vault_platform_token_public(const struct vault_platform *platform, struct kq_slice *out)
{
    const struct vault_platform_key key = key_of("token", &platform->token);
    return vault_keyops_platform_public(&key, out);
}

/* ---- certificates ------------------------------------------------------------------------ */

static kq_status make_ca(struct vault_platform *platform, const char *path, uint64_t now, struct kq_buffer *out_pem)
{
    const struct vault_platform_key key = key_of("ca", &platform->ca);
    struct vault_http_certificate_request request = {
        .common_name = "Keyquay private CA",
        .not_before = now - CLOCKS_DIFFER_S,
        .not_after = now + (uint64_t)CA_DAYS * DAY_S,
        .sign = sign_ca,
        .sign_context = platform,
    };
    KQ_TRY(vault_keyops_platform_public(&key, &request.subject_public));
    KQ_TRY(vault_http_certificate_make(&request, out_pem));
    return kq_file_write(path, kq_buffer_slice(out_pem), 0644, KQ_FILE_REPLACE);
}

kq_status vault_platform_ca(struct vault_platform *platform, const char *data, uint64_t now, struct kq_buffer *out_pem)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(data, "ca.pem", path));
    kq_status status = kq_file_read(path, PEM_MAX, out_pem);
    if (status != KQ_ERR_NOT_FOUND)
        return status;
    kq_buffer_init(out_pem, PEM_MAX);
    return make_ca(platform, path, now, out_pem);
}

struct names {
    char text[8][256];
    const char *list[9 + VAULT_LISTEN_MAX];
    size_t num;
};

static void add_name(struct names *names, const char *prefix, const char *domain)
{
    char *text = names->text[names->num];
    snprintf(text, sizeof names->text[0], "%s%s", prefix, domain);
    names->list[names->num++] = text;
}

/* "*.<domain>" is not among them: some clients refuse a star right below a
 * top-level name such as localhost. */
static void list_names(const struct vault_config *config, struct names *names)
{
    static const char *const prefixes[] = {"*.vault.", "vault.", "login.", "management.", "graph.", ""};
    for (size_t i = 0; i < KQ_COUNT_OF(prefixes); i++)
        add_name(names, prefixes[i], config->domain);
    for (size_t i = 0; i < config->num_listen; i++)
        names->list[names->num++] = config->listen[i].host;
}

kq_status vault_platform_server_chain(struct vault_platform *platform, const struct vault_config *config,
                                      struct kq_slice ca_pem, uint64_t now, struct kq_buffer *out_pem)
{
    struct names names = {.num = 0};
    list_names(config, &names);
    const struct vault_platform_key key = key_of("tls", &platform->tls);
    struct vault_http_certificate_request request = {
        .common_name = config->domain,
        .names = names.list,
        .not_before = now - CLOCKS_DIFFER_S,
        .not_after = now + (uint64_t)SERVER_DAYS * DAY_S,
        .issuer_pem = ca_pem,
        .sign = sign_ca,
        .sign_context = platform,
    };
    KQ_TRY(vault_keyops_platform_public(&key, &request.subject_public));
    KQ_TRY(vault_http_certificate_make(&request, out_pem));
    return kq_buffer_append(out_pem, ca_pem.data, ca_pem.len);
}
