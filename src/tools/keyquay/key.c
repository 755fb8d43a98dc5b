/* keyquay key: using the keys of the owner's world, before they travel. */
#include "base/size.h"
#include "pubcrypto/der.h"
#include "pubcrypto/public_key.h"
#include "tools/common/args.h"
#include "tools/common/ask.h"
#include "tools/common/connect.h"
#include "tools/common/key_use.h"
#include "tools/common/keyfile.h"
#include "tools/common/names.h"
#include "tools/common/quorum.h"
#include "tools/keyquay/owner_commands.h"

#define SIGNATURE_FILE_MAX 1024u

struct options {
    const char *application, *ident, *mechanism, *in, *out, *format, *signature, *aad;
};

struct job {
    struct kq_tool tool;
    struct options options;
    const struct kq_mechanism_name *mechanism;
    struct kq_stored_key stored;
};

static kq_status need(struct job *job, const char *value, const char *name)
{
    return value != NULL ? KQ_OK : kq_tool_usage(&job->tool, "--%s is needed", name);
}

/* ---- signatures ------------------------------------------------------------------------------- */

static kq_status hash_input(struct job *job, uint8_t digest[KQ_HASH_MAX_LEN], size_t *out_len)
{
    KQ_TRY(need(job, job->options.in, "in"));
    return kq_use_digest(&job->tool, job->mechanism, job->options.in, digest, out_len);
}

static bool put_padded(struct kq_slice number, size_t len, uint8_t *out)
{
    if (number.len > len)
        return false;
    memset(out, 0, len - number.len);
    memcpy(out + len - number.len, number.data, number.len);
    return true;
}

/* SEQUENCE { r, s } to r and s side by side; order_len is the length of each half. */
static kq_status ecdsa_from_der(struct kq_slice der, size_t order_len, struct kq_buffer *out)
{
    struct kq_der_reader outer, inner;
    kq_der_reader_init(&outer, der);
    inner = kq_der_enter(&outer, KQ_DER_SEQUENCE);
    struct kq_slice r = kq_der_get_positive(&inner);
    struct kq_slice s = kq_der_get_positive(&inner);
    KQ_TRY(kq_der_finish(&inner));
    KQ_TRY(kq_der_finish(&outer));
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(out, 2 * order_len, &room));
    if (!put_padded(r, order_len, room) || !put_padded(s, order_len, room + order_len))
        return KQ_ERR_FORMAT;
    out->len += 2 * order_len;
    return KQ_OK;
}

static kq_status sign(struct job *job)
{
    uint8_t digest[KQ_HASH_MAX_LEN];
    size_t digest_len = 0;
    enum kq_signature_form form;
    KQ_AUTO(kqc_key) key = NULL;
    KQ_TRY(need(job, job->options.out, "out"));
    KQ_TRY(kq_use_form(&job->tool, job->options.format, &form));
    KQ_TRY(hash_input(job, digest, &digest_len));
    KQ_TRY(kq_tool_connect(&job->tool));
    KQ_TRY(kq_key_load(&job->tool, &job->stored, &key));
    return kq_use_sign(&job->tool, key, job->mechanism, kq_slice_of(digest, digest_len), form, job->options.out);
}

/* The public half lies beside the blob, which carries its hash: what was damaged or put there is not handed on. */
static bool is_of_blob(const struct kq_key_file *file)
{
    struct kq_key_blob blob;
    return kq_key_blob_get(file->blob, &blob, NULL) != KQ_OK || kq_sha256_is(blob.public_hash, file->public_key);
}

static kq_status open_public(struct job *job, struct kq_public_key **out)
{
    if (job->stored.file.public_key.len == 0)
        return kq_tool_fail(&job->tool, KQ_ERR_UNSUPPORTED, NULL, "%s: a secret key has no public half",
                            job->stored.path);
    if (!is_of_blob(&job->stored.file))
        return kq_tool_fail(&job->tool, KQ_ERR_MISMATCH, "Restore the file from a backup, or recover the key.",
                            "%s: field public_key: is not the one that belongs to the blob", job->stored.path);
    kq_status status = kq_public_key_new(job->stored.file.public_key, out);
    return status == KQ_OK ? KQ_OK
                           : kq_tool_fail(&job->tool, status, "Restore the file from a backup.",
                                          "%s: field public_key: %s", job->stored.path, kq_status_text(status));
}

static kq_status verify(struct job *job)
{
    uint8_t digest[KQ_HASH_MAX_LEN];
    size_t digest_len = 0;
    enum kq_signature_form form;
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    KQ_AUTO_VALUE(kq_buffer) raw = {.max = SIGNATURE_FILE_MAX};
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(need(job, job->options.signature, "signature"));
    KQ_TRY(kq_use_form(&job->tool, job->options.format, &form));
    KQ_TRY(hash_input(job, digest, &digest_len));
    KQ_TRY(kq_use_read(&job->tool, job->options.signature, SIGNATURE_FILE_MAX, &signature));
    KQ_TRY(open_public(job, &key));
    struct kq_slice bytes = kq_buffer_slice(&signature);
    kq_status status = KQ_OK;
    if (form == KQ_SIGNATURE_DER && job->mechanism->mechanism == KQ_MECH_ECDSA) {
        status = ecdsa_from_der(bytes, (kq_public_key_bits(key) + 7) / 8, &raw);
        bytes = kq_buffer_slice(&raw);
    }
    if (status == KQ_OK)
        status = kq_public_key_verify(key, job->mechanism->mechanism, kq_slice_of(digest, digest_len), bytes);
    if (status != KQ_OK)
        return kq_tool_fail(&job->tool, status, NULL, "%s: the signature does not verify: %s", job->options.signature,
                            kq_status_text(status));
    printf("The signature verifies.\n");
    return KQ_OK;
}

/* ---- encryption --------------------------------------------------------------------------------- */

static kq_status crypt_in_module(struct job *job, enum kq_op op, struct kq_slice data, struct kq_buffer *out)
{
    KQ_AUTO(kqc_key) key = NULL;
    KQ_TRY(kq_tool_connect(&job->tool));
    KQ_TRY(kq_key_load(&job->tool, &job->stored, &key));
    return kq_use_crypt(&job->tool, key, op, job->mechanism, data, job->options.aad, out);
}

/* RSA encryption is public: no module is asked. */
static kq_status encrypt_public(struct job *job, struct kq_slice data, struct kq_buffer *out)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(open_public(job, &key));
    kq_status status = kq_public_key_oaep(key, job->mechanism->mechanism, KQ_SLICE_EMPTY, data, out);
    return status == KQ_OK ? KQ_OK
                           : kq_tool_fail(&job->tool, status, "OAEP takes a few hundred bytes at most.",
                                          "encrypting: %s", kq_status_text(status));
}

static kq_status crypt(struct job *job, enum kq_op op)
{
    KQ_AUTO_VALUE(kq_buffer) in = {0};
    KQ_AUTO_VALUE(kq_buffer) out = {.max = KQ_DATA_MAX + 64};
    KQ_TRY(need(job, job->options.in, "in"));
    KQ_TRY(need(job, job->options.out, "out"));
    KQ_TRY(kq_use_read(&job->tool, job->options.in, op == KQ_OP_ENCRYPT ? KQ_DATA_MAX - 64 : KQ_DATA_MAX, &in));
    bool is_public = op == KQ_OP_ENCRYPT && job->mechanism->mechanism != KQ_MECH_AES_GCM;
    if (is_public)
        KQ_TRY(encrypt_public(job, kq_buffer_slice(&in), &out));
    else
        KQ_TRY(crypt_in_module(job, op, kq_buffer_slice(&in), &out));
    return kq_use_write(&job->tool, job->options.out, kq_buffer_slice(&out), op == KQ_OP_DECRYPT ? 0600 : 0644);
}

/* ---- the rest ------------------------------------------------------------------------------------ */

static kq_status export_public(struct job *job)
{
    KQ_AUTO(kq_public_key) key = NULL;
    KQ_TRY(need(job, job->options.out, "out"));
    KQ_TRY(open_public(job, &key));
    return kq_use_write_public(&job->tool, job->stored.file.public_key, job->options.out);
}

static kq_status list(struct job *job)
{
    KQ_AUTO_VALUE(kq_key_names) names = {.num = 0};
    KQ_TRY(kq_key_list(&job->tool, job->options.application, job->options.ident, &names));
    json_t *array = json_array();
    for (size_t i = 0; i < names.num; i++) {
        json_t *key = json_object();
        json_object_set_new(key, "application", json_string(names.names[i].application));
        json_object_set_new(key, "ident", json_string(names.names[i].ident));
        json_array_append_new(array, key);
        if (!job->tool.is_json)
            printf("%s %s\n", names.names[i].application, names.names[i].ident);
    }
    if (job->tool.is_json)
        kq_tool_print_json(array);
    else
        json_decref(array);
    return KQ_OK;
}

static kq_status open_key(struct job *job)
{
    char application[KQ_IDENT_MAX + 2], ident[KQ_IDENT_MAX + 2];
    KQ_TRY(need(job, job->options.application, "app"));
    KQ_TRY(need(job, job->options.ident, "ident"));
    snprintf(application, sizeof application, "%s", job->options.application);
    snprintf(ident, sizeof ident, "%s", job->options.ident);
    KQ_TRY(kq_key_name_check(&job->tool, application, ident));
    return kq_key_read(&job->tool, application, ident, &job->stored);
}

/* The working blob anew from the recovery blob, under a quorum of cards. */
static kq_status recover(struct job *job)
{
    KQ_AUTO_VALUE(kq_buffer) place = {.max = KQ_PLACE_MAX};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_key_file file = job->stored.file;
    struct kq_key_reply made;
    char path[KQ_PATH_MAX];
    if (file.recovery_blob.len == 0)
        return kq_tool_fail(&job->tool, KQ_ERR_UNSUPPORTED, "Restore its file from a backup.",
                            "%s: the key was made without recovery", job->stored.path);
    KQ_TRY(kq_key_place(file.hknso, file.application, file.ident, &place));
    const struct kq_key_recover_request params = {.recovery_blob = file.recovery_blob,
                                                  .place = kq_buffer_slice(&place)};
    KQ_TRY(kq_ask_check(&job->tool));
    KQ_TRY(kq_tool_connect(&job->tool));
    KQ_TRY(kq_tool_call_with_quorum(&job->tool, KQ_OP_KEY_RECOVER, &params, KQ_SLICE_EMPTY, "recovering the key", &made,
                                    &reply));
    file.blob = made.blob;
    file.public_key = made.public_key;
    if (made.recovery_blob.len > 0)
        file.recovery_blob = made.recovery_blob;
    if (made.certificate.len > 0)
        file.certificate = made.certificate;
    KQ_TRY(kq_key_save(&job->tool, &file, KQ_FILE_REPLACE, path));
    printf("Key recovered.\nPath to key: %s\n", path);
    return KQ_OK;
}

static kq_status choose_mechanism(struct job *job, bool signs)
{
    KQ_TRY(need(job, job->options.mechanism, "mechanism"));
    job->mechanism = kq_name_mechanism(job->options.mechanism);
    if (job->mechanism == NULL || (job->mechanism->hash_bits != 0) != signs)
        return kq_tool_usage(&job->tool, "--mechanism=%s: not one of %s that does this", job->options.mechanism,
                             kq_mechanism_names);
    return KQ_OK;
}

static kq_status use(struct job *job, const char *act)
{
    bool signs = strcmp(act, "sign") == 0, verifies = strcmp(act, "verify") == 0;
    bool encrypts = strcmp(act, "encrypt") == 0, decrypts = strcmp(act, "decrypt") == 0;
    if (strcmp(act, "public") == 0) {
        KQ_TRY(open_key(job));
        return export_public(job);
    }
    if (!signs && !verifies && !encrypts && !decrypts)
        return kq_tool_usage(&job->tool, "use: one of sign, verify, encrypt, decrypt and public is needed");
    KQ_TRY(choose_mechanism(job, signs || verifies));
    KQ_TRY(open_key(job));
    if (signs)
        return sign(job);
    return verifies ? verify(job) : crypt(job, encrypts ? KQ_OP_ENCRYPT : KQ_OP_DECRYPT);
}

static kq_status run(struct job *job, const char *const *words, size_t num_words)
{
    const char *act = num_words > 0 ? words[0] : "";
    if (strcmp(act, "use") == 0)
        return use(job, num_words > 1 ? words[1] : "");
    if (num_words < 2 && strcmp(act, "list") == 0)
        return list(job);
    if (num_words < 2 && strcmp(act, "export-public") == 0) {
        KQ_TRY(open_key(job));
        return export_public(job);
    }
    if (num_words < 2 && strcmp(act, "recover") == 0) {
        job->tool.is_ceremony = true;
        KQ_TRY(open_key(job));
        return recover(job);
    }
    return kq_tool_usage(&job->tool, "one of list, use, export-public and recover is needed");
}

int kq_cmd_key(int argc, char **argv)
{
    struct job job = {.mechanism = NULL};
    struct options *options = &job.options;
    kq_tool_init(&job.tool, "keyquay key", argc, argv);
    const struct kq_arg args[] = {
        {"app", 0, &options->application, NULL, "APP", "the key's application"},
        {"ident", 0, &options->ident, NULL, "IDENT", "the key's identifier"},
        {"mechanism", 0, &options->mechanism, NULL, "NAME", kq_mechanism_names},
        {"in", 0, &options->in, NULL, "FILE", "what to sign, verify, encrypt, decrypt"},
        {"out", 0, &options->out, NULL, "FILE", "where the result goes"},
        {"signature", 0, &options->signature, NULL, "FILE", "verify: the signature"},
        {"format", 0, &options->format, NULL, "raw|der", "of an ECDSA signature (default raw: r and s)"},
        {"aad", 0, &options->aad, NULL, "TEXT", "aes-gcm: additional authenticated data"},
        {"json", 0, NULL, &job.tool.is_json, NULL, "print JSON (list)"},
    };
    const struct kq_args table = {
        .synopsis =
            "list | use sign|verify|encrypt|decrypt|public OPTION... | export-public OPTION... | recover OPTION...",
        .about = "Uses keys of the owner's world. verify, export-public and RSA encryption need no module.\n"
                 "recover makes a key file's working blob anew from its recovery blob, under a quorum of cards.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = 2,
    };
    const char *words[2];
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(&job.tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&job.tool, KQ_ERR_ARGUMENT);
    kq_status status = run(&job, words, num_words);
    kq_stored_key_clear(&job.stored);
    return kq_tool_finish(&job.tool, status);
}
