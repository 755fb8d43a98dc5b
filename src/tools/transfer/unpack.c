#include "tools/transfer/unpack.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/public_key.h"
#include "pubcrypto/x509.h"
#include "wire/formats.h"

#define PEM_MAX 16384u
#define README_MAX 8192

struct statement {
    const char *name; /* of the files */
    struct kq_signed parts;
    const char *signer; /* "module" or "knso" */
    const char *hash;   /* option of openssl dgst */
};

struct contents {
    struct kq_slice root;
    struct kq_slice warrant;
    struct kq_slice module_public;
    struct kq_slice knso_public;
    struct kq_slice exchange_public;
    struct statement statements[4];
};

/* ---- reading ------------------------------------------------------------------ */

/* The algorithm of a statement signature follows from the key. */
static const char *digest_option(struct kq_slice public_key)
{
    KQ_AUTO(kq_public_key) key = NULL;
    if (kq_public_key_new(public_key, &key) != KQ_OK)
        return NULL;
    switch (kq_public_key_type(key)) {
    case KQ_KEY_EC_P384:
        return "-sha384";
    case KQ_KEY_EC_P521:
        return "-sha512";
    case KQ_KEY_DSA:
        return "-sha256";
    default:
        return NULL;
    }
}

static kq_status read_statement(const char *name, const char *signer, struct kq_slice encoded, struct statement *out)
{
    out->name = name;
    out->signer = signer;
    return kq_signed_get(encoded, &out->parts, NULL);
}

static kq_status read_statements(const struct kq_kek_package *kek, const struct kq_world_package *world,
                                 struct contents *out)
{
    KQ_TRY(read_statement("module-state", "module", world->module_state, &out->statements[0]));
    KQ_TRY(read_statement("world-binding", "knso", world->binding, &out->statements[1]));
    KQ_TRY(read_statement("region-statement", "knso", world->region_statement, &out->statements[2]));
    return read_statement("key-generation", "module", kek->keygen, &out->statements[3]);
}

static kq_status read_keys(struct contents *out)
{
    struct kq_certificate warrant;
    struct kq_world_binding binding;
    struct kq_keygen keygen;
    KQ_TRY(kq_certificate_get(out->warrant, &warrant));
    KQ_TRY(kq_world_binding_get(out->statements[1].parts.body, &binding, NULL));
    KQ_TRY(kq_keygen_get(out->statements[3].parts.body, &keygen, NULL));
    out->module_public = warrant.public_key;
    out->knso_public = binding.knso_public;
    out->exchange_public = keygen.public_key;
    for (size_t i = 0; i < KQ_COUNT_OF(out->statements); i++) {
        struct statement *statement = &out->statements[i];
        bool by_world = strcmp(statement->signer, "knso") == 0;
        statement->hash = digest_option(by_world ? out->knso_public : out->module_public);
        if (statement->hash == NULL)
            return KQ_ERR_UNSUPPORTED;
    }
    return KQ_OK;
}

static kq_status read_contents(struct kq_slice kek_package, struct kq_slice world_package, struct contents *out)
{
    struct kq_kek_package kek;
    struct kq_world_package world;
    KQ_TRY(kq_kek_package_get(kek_package, &kek, NULL));
    KQ_TRY(kq_world_package_get(world_package, &world, NULL));
    out->root = kek.root;
    out->warrant = kek.warrant;
    KQ_TRY(read_statements(&kek, &world, out));
    return read_keys(out);
}

/* ---- writing ------------------------------------------------------------------- */

static kq_status write_file(const char *folder, const char *name, const char *suffix, struct kq_slice bytes)
{
    char file[128];
    char path[KQ_PATH_MAX];
    snprintf(file, sizeof file, "%s%s", name, suffix);
    KQ_TRY(kq_path_join(folder, file, path));
    return kq_file_write(path, bytes, 0644, KQ_FILE_NEW_ONLY);
}

static kq_status write_pem(const char *folder, const char *name, const char *type, struct kq_slice der)
{
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    kq_buffer_init(&pem, PEM_MAX);
    KQ_TRY(kq_pem_encode(type, der, &pem));
    return write_file(folder, name, ".pem", kq_buffer_slice(&pem));
}

static kq_status write_readme(const char *folder, const struct contents *contents)
{
    char text[README_MAX];
    int len = snprintf(text, sizeof text,
                       "What two packages of a region hold, for checking with openssl alone.\n"
                       "Run these in this folder; the first says OK, the four of dgst Verified OK.\n\n"
                       "The warrant of the module (ESN in its subject) under its root:\n"
                       "    openssl verify -x509_strict -check_ss_sig -CAfile root.pem warrant.pem\n\n"
                       "The warrant is of the key in module.pem: both print the same key:\n"
                       "    openssl x509 -in warrant.pem -pubkey -noout\n"
                       "    openssl pkey -pubin -in module.pem\n\n"
                       "Each statement, under the module's key or the world's (knso.pem):\n");
    for (size_t i = 0; i < KQ_COUNT_OF(contents->statements); i++) {
        const struct statement *statement = &contents->statements[i];
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "    openssl dgst %s -verify %s.pem -signature %s.sig %s.body\n", statement->hash,
                        statement->signer, statement->name, statement->name);
    }
    len += snprintf(text + len, sizeof text - (size_t)len,
                    "\nThe root hash, the world hash and the hash of the exchange key:\n"
                    "    openssl x509 -in root.pem -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst "
                    "-sha256\n"
                    "    openssl pkey -pubin -in knso.pem -outform DER | openssl dgst -sha256\n"
                    "    openssl pkey -pubin -in exchange-key.pem -outform DER | openssl dgst -sha256\n\n"
                    "The bodies are CBOR; what their fields mean stands in docs/formats/statements.md.\n"
                    "verifykeypackage checks besides that they agree with each other.\n");
    return write_file(folder, "README", "", kq_slice_of(text, (size_t)len));
}

static kq_status write_contents(const char *folder, const struct contents *contents)
{
    KQ_TRY(write_pem(folder, "root", "CERTIFICATE", contents->root));
    KQ_TRY(write_pem(folder, "warrant", "CERTIFICATE", contents->warrant));
    KQ_TRY(write_pem(folder, "module", "PUBLIC KEY", contents->module_public));
    KQ_TRY(write_pem(folder, "knso", "PUBLIC KEY", contents->knso_public));
    KQ_TRY(write_pem(folder, "exchange-key", "PUBLIC KEY", contents->exchange_public));
    for (size_t i = 0; i < KQ_COUNT_OF(contents->statements); i++) {
        const struct statement *statement = &contents->statements[i];
        KQ_TRY(write_file(folder, statement->name, ".body", statement->parts.body));
        KQ_TRY(write_file(folder, statement->name, ".sig", statement->parts.signature));
    }
    return write_readme(folder, contents);
}

/* Removes a folder of ours that did not become complete. */
static void remove_partial(const char *folder, const struct contents *contents)
{
    static const char *const fixed[] = {"root.pem", "warrant.pem",      "module.pem",
                                        "knso.pem", "exchange-key.pem", "README"};
    char path[KQ_PATH_MAX + 64];
    for (size_t i = 0; i < KQ_COUNT_OF(fixed); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, fixed[i]);
        unlink(path);
    }
    for (size_t i = 0; i < KQ_COUNT_OF(contents->statements); i++) {
        snprintf(path, sizeof path, "%s/%s.body", folder, contents->statements[i].name);
        unlink(path);
        snprintf(path, sizeof path, "%s/%s.sig", folder, contents->statements[i].name);
        unlink(path);
    }
    rmdir(folder);
}

static kq_status fail_folder(struct kq_tool *tool, const char *folder)
{
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
        return kq_tool_fail(tool, KQ_ERR_EXISTS, "Name a folder that does not exist yet.",
                            "%s: --unpack overwrites nothing, and this is not an empty folder", folder);
    return kq_tool_fail(tool, KQ_ERR_IO, NULL, "%s: could not be written: %s", folder, strerror(errno));
}

kq_status kq_unpack_packages(struct kq_tool *tool, struct kq_slice kek_package, struct kq_slice world_package,
                             const char *folder)
{
    struct contents contents = {.root = KQ_SLICE_EMPTY};
    kq_status status = read_contents(kek_package, world_package, &contents);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "the packages cannot be unpacked: %s", kq_status_text(status));
    char name[KQ_PATH_MAX - 64];
    if (!kq_text_copy(kq_slice_text(folder), name, sizeof name) || name[0] == '\0')
        return kq_tool_fail(tool, KQ_ERR_ARGUMENT, NULL, "--unpack: the folder's name is empty or too long");
    for (size_t len = strlen(name); len > 1 && name[len - 1] == '/'; len--)
        name[len - 1] = '\0';
    char partial[KQ_PATH_MAX];
    snprintf(partial, sizeof partial, "%s.partial-%ld", name, (long)getpid());
    status = kq_folder_make(partial);
    if (status == KQ_OK)
        status = write_contents(partial, &contents);
    if (status == KQ_OK && rename(partial, name) != 0)
        status = KQ_ERR_IO;
    if (status == KQ_OK)
        return KQ_OK;
    int why = errno;
    remove_partial(partial, &contents);
    errno = why;
    return fail_folder(tool, folder);
}
