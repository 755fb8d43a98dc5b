/* generatekey: makes a key in the module, or brings one in from a PEM file,
 * and writes key_<application>_<ident>. */
#include <errno.h>
#include <strings.h>

#include "base/clock.h"
#include "base/size.h"
#include "base/text.h"
#include "tools/common/args.h"
#include "tools/common/ask.h"
#include "tools/common/connect.h"
#include "tools/common/keyfile.h"
#include "tools/common/names.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"
#include "trust/chain.h"

#define VALUE_SIZE 512
#define CLEAR_KEY_MAX 16384u

enum property {
    OPERATION,
    APPLICATION,
    PROTECT,
    RECOVERY,
    VERIFY,
    TYPE,
    SIZE,
    PUBEXP,
    PEMREADFILE,
    IDENT,
    PLAINNAME,
    NVRAM,
    USELIMIT,
    TIMEOUT,
    NUM_PROPERTIES
};

static const struct {
    const char *name;
    const char *label;
} properties[NUM_PROPERTIES] = {
    [OPERATION] = {"operation", "Operation to perform"},
    [APPLICATION] = {"application", "Application"},
    [PROTECT] = {"protect", "Protected by"},
    [RECOVERY] = {"recovery", "Key recovery"},
    [VERIFY] = {"verify", "Verify security of key"},
    [TYPE] = {"type", "Key type"},
    [SIZE] = {"size", "Key size"},
    [PUBEXP] = {"pubexp", "Public exponent for RSA key (hex)"},
    [PEMREADFILE] = {"pemreadfile", "PEM file containing the key"},
    [IDENT] = {"ident", "Key identifier"},
    [PLAINNAME] = {"plainname", "Key name"},
    [NVRAM] = {"nvram", "Blob in NVRAM (needs ACS)"},
    [USELIMIT] = {"uselimit", "Uses of the private key allowed"},
    [TIMEOUT] = {"timeout", "Seconds of use after each load"},
};

struct options {
    bool generate, import, retarget, batch, verify, no_verify, no_recovery, json;
    const char *module, *cardset, *use_limit, *timeout;
};

struct job {
    struct kq_tool tool;
    struct options options;
    char value[NUM_PROPERTIES][VALUE_SIZE];
    bool is_set[NUM_PROPERTIES];
    uint64_t key_type, bits;
    uint64_t public_exponent;
    uint64_t use_limit, time_limit_s;
    struct kq_status_reply module;
    struct kqc_reply module_reply;
    struct kq_world_facts world;
};

/* ---- properties --------------------------------------------------------------------------- */

static kq_status set(struct job *job, enum property property, const char *value)
{
    if (!kq_text_copy(kq_slice_text(value), job->value[property], VALUE_SIZE))
        return kq_tool_usage(&job->tool, "%s: the value is too long", properties[property].name);
    job->is_set[property] = true;
    return KQ_OK;
}

static kq_status fail_option(struct job *job, enum property property, const char *allowed)
{
    fprintf(stderr, "ERROR: %s: invalid option\n", properties[property].name);
    return kq_tool_usage(&job->tool, "%s=%.80s: %s", properties[property].name, job->value[property], allowed);
}

static kq_status set_word(struct job *job, const char *word)
{
    const char *equals = strchr(word, '=');
    struct kq_slice name = equals == NULL ? kq_slice_text(word) : kq_slice_of(word, (size_t)(equals - word));
    if (equals == NULL && !job->is_set[APPLICATION])
        return set(job, APPLICATION, word);
    for (size_t i = PROTECT; i < NUM_PROPERTIES; i++) {
        if (equals != NULL && kq_slice_is_text(name, properties[i].name))
            return set(job, (enum property)i, equals + 1);
    }
    return kq_tool_usage(&job->tool, "\"%.80s\": not a property=value that is known", word);
}

/* Asks for a value that was not given; without a terminal, or with --batch,
 * the fallback stands. A value without fallback must come from somewhere. */
static kq_status complete(struct job *job, enum property property, const char *hint, const char *fallback)
{
    if (job->is_set[property])
        return KQ_OK;
    bool may_ask = !job->options.batch && kq_ask_has_terminal();
    if (!may_ask && fallback != NULL)
        return set(job, property, fallback);
    if (job->options.batch)
        return kq_tool_usage(&job->tool, "%s=... is missing (--batch asks nothing)", properties[property].name);
    char prompt[192];
    snprintf(prompt, sizeof prompt, "%s: %s?%s%s%s%s", properties[property].name, properties[property].label, hint,
             fallback == NULL ? "" : " [", fallback == NULL ? "" : fallback, fallback == NULL ? "" : "]");
    char answer[VALUE_SIZE];
    KQ_TRY(kq_ask_line(&job->tool, prompt, fallback, answer, sizeof answer));
    return set(job, property, answer);
}

static kq_status complete_all(struct job *job)
{
    bool import = job->options.import;
    KQ_TRY(set(job, OPERATION, import ? "import" : "generate"));
    KQ_TRY(complete(job, APPLICATION, "", "simple"));
    KQ_TRY(complete(job, PROTECT, " (module)", "module"));
    if (!import) {
        KQ_TRY(complete(job, TYPE, " (RSA, EC, AES)", "RSA"));
        bool rsa = strcasecmp(job->value[TYPE], "RSA") == 0;
        bool aes = strcasecmp(job->value[TYPE], "AES") == 0;
        KQ_TRY(complete(job, SIZE,
                        rsa   ? " (2048, 3072, 4096)"
                        : aes ? " (128, 192, 256)"
                              : " (curve)",
                        rsa   ? "2048"
                        : aes ? "256"
                              : ""));
    } else {
        KQ_TRY(complete(job, PEMREADFILE, "", NULL));
    }
    KQ_TRY(complete(job, IDENT, "", NULL));
    return complete(job, PLAINNAME, "", job->value[IDENT]);
}

/* ---- what the values mean -------------------------------------------------------------------- */

static kq_status check_yes_no(struct job *job, enum property property, const char *fallback, bool *out)
{
    if (!job->is_set[property] || job->value[property][0] == '\0')
        KQ_TRY(set(job, property, fallback));
    *out = strcasecmp(job->value[property], "yes") == 0;
    if (!*out && strcasecmp(job->value[property], "no") != 0)
        return fail_option(job, property, "yes or no");
    return KQ_OK;
}

static kq_status check_number(struct job *job, enum property property, const char *option, uint64_t *out)
{
    if (option != NULL)
        KQ_TRY(set(job, property, option));
    if (!job->is_set[property] || job->value[property][0] == '\0')
        return KQ_OK;
    if (!kq_uint_parse(kq_slice_text(job->value[property]), 0xffffffff, out) || *out == 0)
        return fail_option(job, property, "a number from 1 to 4294967295");
    return KQ_OK;
}

static kq_status check_protect(struct job *job)
{
    const char *protect = job->value[PROTECT];
    if (strcasecmp(protect, "module") == 0)
        return KQ_OK;
    if (strcasecmp(protect, "token") == 0 || strcasecmp(protect, "softcard") == 0)
        return kq_tool_fail(&job->tool, KQ_ERR_UNSUPPORTED, "Use protect=module.",
                            "protect=%s: the transfer does not support keys under a %s", protect,
                            strcasecmp(protect, "token") == 0 ? "card set" : "softcard");
    return fail_option(job, PROTECT, "module");
}

static kq_status check_public_exponent(struct job *job)
{
    const char *text = job->value[PUBEXP];
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    for (; *text != '\0'; text++) {
        uint8_t digit[1];
        char pair[2] = {'0', *text};
        if (job->public_exponent >> 60 != 0 || !kq_hex_decode(kq_slice_of(pair, 2), digit, 1))
            return fail_option(job, PUBEXP, "up to 16 hexadecimal digits, or empty for 10001");
        job->public_exponent = job->public_exponent << 4 | digit[0];
    }
    return KQ_OK;
}

static kq_status check_key(struct job *job)
{
    static const char allowed[] = "RSA 2048, 3072, 4096; EC P-256, P-384, P-521, secp256k1; AES 128, 192, 256";
    if (!job->is_set[TYPE])
        return KQ_OK;
    if (kq_name_parse_key(job->value[TYPE], job->value[SIZE], &job->key_type, &job->bits))
        return KQ_OK;
    uint64_t key_type, bits;
    bool type_is_known = kq_name_parse_key(job->value[TYPE], NULL, &key_type, &bits);
    return fail_option(job, type_is_known ? SIZE : TYPE, allowed);
}

static kq_status check_values(struct job *job)
{
    bool recovery, verify, nvram;
    if (job->options.cardset != NULL)
        KQ_TRY(set(job, PROTECT, "token"));
    KQ_TRY(check_protect(job));
    KQ_TRY(check_yes_no(job, RECOVERY, job->options.no_recovery ? "no" : "yes", &recovery));
    KQ_TRY(check_yes_no(job, VERIFY, job->options.no_verify ? "no" : "yes", &verify));
    KQ_TRY(check_yes_no(job, NVRAM, "no", &nvram));
    if (nvram)
        return kq_tool_fail(&job->tool, KQ_ERR_UNSUPPORTED, "Use nvram=no.",
                            "nvram=yes: a software module has no memory of its own to keep keys in");
    job->options.no_recovery = !recovery;
    job->options.no_verify = !verify;
    KQ_TRY(check_key(job));
    KQ_TRY(check_public_exponent(job));
    KQ_TRY(check_number(job, USELIMIT, job->options.use_limit, &job->use_limit));
    KQ_TRY(check_number(job, TIMEOUT, job->options.timeout, &job->time_limit_s));
    KQ_TRY(kq_key_name_check(&job->tool, job->value[APPLICATION], job->value[IDENT]));
    if (strcmp(job->value[APPLICATION], "xferacld") == 0)
        return kq_tool_fail(&job->tool, KQ_ERR_ARGUMENT, "Use another application, such as simple.",
                            "application xferacld: its keys are made by KeyTransferRemote -ModifyAcls");
    return kq_text_is_printable(kq_slice_text(job->value[PLAINNAME])) && strlen(job->value[PLAINNAME]) <= 256
               ? KQ_OK
               : fail_option(job, PLAINNAME, "printable text of at most 256 bytes");
}

static kq_status check_is_new(struct job *job)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_key_path(&job->tool, job->value[APPLICATION], job->value[IDENT], path));
    if (!kq_file_exists(path))
        return KQ_OK;
    return kq_tool_fail(&job->tool, KQ_ERR_EXISTS, "Choose another ident.", "ident=%s: %s exists already",
                        job->value[IDENT], path);
}

/* ---- making it ------------------------------------------------------------------------------------ */

static void print_table(const struct job *job)
{
    printf("key generation parameters:\n");
    for (size_t i = 0; i < NUM_PROPERTIES; i++) {
        if (job->is_set[i])
            printf(" %-13s%-35s%s\n", properties[i].name, properties[i].label, job->value[i]);
    }
}

static uint64_t key_options(const struct job *job)
{
    bool possible = job->world.binding.recovery_public.len > 0;
    return possible && !job->options.no_recovery ? KQ_KEYOPT_RECOVERY : 0;
}

static kq_status generate(struct job *job, struct kq_key_reply *out, struct kqc_reply *reply)
{
    const struct kq_key_generate_request params = {.application = kq_slice_text(job->value[APPLICATION]),
                                                   .ident = kq_slice_text(job->value[IDENT]),
                                                   .key_type = job->key_type,
                                                   .bits = job->bits,
                                                   .public_exponent = job->public_exponent,
                                                   .options = key_options(job),
                                                   .use_limit = job->use_limit,
                                                   .time_limit_s = job->time_limit_s};
    return kq_tool_call(&job->tool, KQ_OP_KEY_GENERATE, &params, "generating the key", out, reply);
}

/* The file's bytes go through one buffer, which is wiped when this returns. */
static kq_status import(struct job *job, struct kq_key_reply *out, struct kqc_reply *reply)
{
    const char *path = job->value[PEMREADFILE];
    KQ_AUTO_VALUE(kq_buffer) clear_key = {0};
    kq_status status = kq_file_read(path, CLEAR_KEY_MAX, &clear_key);
    if (status != KQ_OK || clear_key.len == 0)
        return kq_tool_fail(&job->tool, status == KQ_OK ? KQ_ERR_FORMAT : status,
                            "Name a PEM file with an unencrypted private key.", "pemreadfile=%s: %s", path,
                            status == KQ_OK ? "the file is empty" : kq_tool_read_reason(status, path));
    const struct kq_key_import_request params = {.application = kq_slice_text(job->value[APPLICATION]),
                                                 .ident = kq_slice_text(job->value[IDENT]),
                                                 .clear_key = kq_buffer_slice(&clear_key),
                                                 .options = key_options(job),
                                                 .use_limit = job->use_limit,
                                                 .time_limit_s = job->time_limit_s};
    char what[VALUE_SIZE + 16];
    snprintf(what, sizeof what, "pemreadfile=%s", path);
    return kq_tool_call(&job->tool, KQ_OP_KEY_IMPORT, &params, what, out, reply);
}

/* The certificate of origin must be this module's, over this very key. */
static kq_status verify(struct job *job, const struct kq_key_reply *made, struct kq_slice place)
{
    struct kq_slice body;
    struct kq_keygen keygen;
    struct kq_key_blob blob;
    if (kq_signed_verify(made->certificate, job->module.module_public, &body) != KQ_OK ||
        kq_keygen_get(body, &keygen, NULL) != KQ_OK || kq_key_blob_get(made->blob, &blob, NULL) != KQ_OK)
        return kq_tool_fail(&job->tool, KQ_ERR_SIGNATURE, "No key file was written.",
                            "verification: the key's certificate is not one of this module");
    bool agrees = kq_slice_is_equal(keygen.place, place) && kq_slice_is_equal(blob.place, place) &&
                  kq_slice_is_equal(keygen.public_key, made->public_key) && kq_slice_is_equal(keygen.acl, blob.acl) &&
                  kq_slice_is_equal(keygen.hknso, kq_slice_of(job->world.hknso, 32));
    return agrees ? KQ_OK
                  : kq_tool_fail(&job->tool, KQ_ERR_MISMATCH, "No key file was written.",
                                 "verification: the key's certificate names another key");
}

static kq_status check_imported_type(struct job *job, const struct kq_key_reply *made)
{
    struct kq_key_blob blob;
    char text[KQ_KEY_TYPE_TEXT_SIZE];
    if (kq_key_blob_get(made->blob, &blob, NULL) != KQ_OK)
        return kq_tool_fail(&job->tool, KQ_ERR_FORMAT, NULL, "the module's answer is no key blob");
    kq_name_key(blob.key_type, blob.bits, text);
    bool same_size = job->value[SIZE][0] == '\0' || blob.bits == job->bits;
    if (job->is_set[TYPE] && (blob.key_type != job->key_type || !same_size))
        return kq_tool_fail(&job->tool, KQ_ERR_MISMATCH, "No key file was written.", "type=%s: the file holds %s",
                            job->value[TYPE], text);
    return KQ_OK;
}

static kq_status save(struct job *job, const struct kq_key_reply *made, char out_path[KQ_PATH_MAX])
{
    const struct kq_key_file file = {.application = kq_slice_text(job->value[APPLICATION]),
                                     .ident = kq_slice_text(job->value[IDENT]),
                                     .plainname = kq_slice_text(job->value[PLAINNAME]),
                                     .created = kq_clock_unix_s(),
                                     .hknso = kq_slice_of(job->world.hknso, 32),
                                     .blob = made->blob,
                                     .recovery_blob = made->recovery_blob,
                                     .public_key = made->public_key,
                                     .certificate = made->certificate};
    return kq_key_save(&job->tool, &file, KQ_FILE_NEW_ONLY, out_path);
}

static void print_result(struct job *job, const struct kq_key_reply *made, const char *path)
{
    struct kq_key_blob blob = {.public_hash = KQ_SLICE_EMPTY};
    if (kq_key_blob_get(made->blob, &blob, NULL) == KQ_OK)
        kq_tool_note_hash(&job->tool, "key", blob.public_hash);
    if (!job->options.json) {
        printf("Key successfully %s.\nPath to key: %s\n", job->options.import ? "imported" : "generated", path);
        return;
    }
    char type[KQ_KEY_TYPE_TEXT_SIZE], hash[2 * KQ_HASH_LEN + 1];
    kq_name_key(blob.key_type, blob.bits, type);
    kq_hex_encode(blob.public_hash, hash);
    json_t *object = json_object();
    json_object_set_new(object, "application", json_string(job->value[APPLICATION]));
    json_object_set_new(object, "ident", json_string(job->value[IDENT]));
    json_object_set_new(object, "type", json_string(type));
    json_object_set_new(object, "origin", json_string(kq_name_origin(blob.origin)));
    json_object_set_new(object, "hash", json_string(hash));
    json_object_set_new(object, "path", json_string(path));
    kq_tool_print_json(object);
}

static kq_status make(struct job *job)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_AUTO_VALUE(kq_buffer) place = {.max = KQ_PLACE_MAX};
    struct kq_key_reply made;
    char path[KQ_PATH_MAX];
    KQ_TRY(job->options.import ? import(job, &made, &reply) : generate(job, &made, &reply));
    if (job->options.import)
        KQ_TRY(check_imported_type(job, &made));
    KQ_TRY(kq_key_place(kq_slice_of(job->world.hknso, 32), kq_slice_text(job->value[APPLICATION]),
                        kq_slice_text(job->value[IDENT]), &place));
    if (!job->options.no_verify)
        KQ_TRY(verify(job, &made, kq_buffer_slice(&place)));
    KQ_TRY(save(job, &made, path));
    print_result(job, &made, path);
    return KQ_OK;
}

static kq_status run(struct job *job, const char *const *words, size_t num_words)
{
    if (job->options.retarget)
        return kq_tool_fail(&job->tool, KQ_ERR_UNSUPPORTED, "Generate the key under the application it is for.",
                            "--retarget: a key's application is sealed with it and cannot change");
    if (job->options.generate && job->options.import)
        return kq_tool_usage(&job->tool, "--generate makes a key, --import brings one: choose");
    if (job->options.module != NULL && strcmp(job->options.module, "1") != 0)
        return kq_tool_usage(&job->tool, "--module=%s: there is one module, number 1", job->options.module);
    for (size_t i = 0; i < num_words; i++)
        KQ_TRY(set_word(job, words[i]));
    KQ_TRY(complete_all(job));
    KQ_TRY(check_values(job));
    KQ_TRY(check_is_new(job));
    KQ_TRY(kq_tool_connect(&job->tool));
    KQ_TRY(kq_tool_world(&job->tool, &job->module, &job->world, &job->module_reply));
    if (!job->options.json)
        print_table(job);
    return make(job);
}

#define WORDS_MAX 32

int main(int argc, char **argv)
{
    struct job job = {.options = {.generate = false}};
    struct options *options = &job.options;
    const struct kq_arg args[] = {
        {"generate", 'g', NULL, &options->generate, NULL, "make a key in the module (the default)"},
        {"import", 0, NULL, &options->import, NULL, "bring a key in from pemreadfile=FILE"},
        {"retarget", 0, NULL, &options->retarget, NULL, "not offered"},
        {"batch", 'b', NULL, &options->batch, NULL, "ask nothing"},
        {"verify", 0, NULL, &options->verify, NULL, "check the key's certificate (the default)"},
        {"no-verify", 0, NULL, &options->no_verify, NULL, "do not"},
        {"no-recovery", 0, NULL, &options->no_recovery, NULL, "no recovery blob, whatever the world allows"},
        {"use-limit", 0, &options->use_limit, NULL, "N", "uses allowed, counted in this module for ever"},
        {"timeout", 0, &options->timeout, NULL, "SECONDS", "use allowed for so long after each load"},
        {"module", 'm', &options->module, NULL, "M", "the module: 1"},
        {"cardset", 'c', &options->cardset, NULL, "NAME", "not offered: the transfer takes module keys only"},
        {"json", 0, NULL, &options->json, NULL, "print the result as JSON"},
    };
    const struct kq_args table = {
        .synopsis = "[--generate | --import] [OPTION...] APPLICATION [PROPERTY=VALUE...]",
        .about = "Properties: protect type size pubexp ident plainname nvram recovery verify pemreadfile uselimit "
                 "timeout.\nWithout --batch asks at the terminal for what is missing.",
        .args = args,
        .num_args = KQ_COUNT_OF(args),
        .max_words = WORDS_MAX,
    };
    const char *words[WORDS_MAX];
    size_t num_words;
    kq_tool_init(&job.tool, "generatekey", argc, argv);
    job.tool.is_ceremony = true;
    enum kq_args_result parsed = kq_args_parse(&job.tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&job.tool, KQ_ERR_ARGUMENT);
    kq_status status = run(&job, words, num_words);
    kqc_reply_clear(&job.module_reply);
    return kq_tool_finish(&job.tool, status);
}
