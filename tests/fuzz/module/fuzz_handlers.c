/* Requests of any content to every handler of the module, in a world of each
 * kind, with and without a quorum. What the fuzzer cannot invent it names by
 * one letter: a byte string "B" becomes a real key blob, and so on, see
 * artefacts[]. Nothing a call changes is kept.
 *
 * Input: which module (owner, region, factory, none), operation, quorum or not, params. */
#include "base/memory.h"
#include "base/size.h"
#include "base/text.h"
#include "fuzz.h"
#include "harness/ceremony.h"
#include "module/cards/quorum.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

#define SECRET_LEN 32u

struct world_of_modules {
    struct fake_factory factory;
    struct fake_owner owner;
    struct fake_region region;
    struct fake_module bare;
    struct kq_buffer package;    /* of the reduced copy */
    struct kq_buffer vault_blob; /* of a key in the region's vault */
    struct kq_buffer vault_place;
    uint64_t handle;                /* of the owner's key */
    uint8_t secrets[3][SECRET_LEN]; /* of the card sets of owner, region and factory */
};
static struct world_of_modules world;

static const struct {
    char letter;
    const struct kq_buffer *bytes;
} artefacts[] = {
    {'B', &world.owner.blob},
    {'P', &world.owner.place},
    {'C', &world.region.certificate},
    {'X', &world.region.blob},
    {'Y', &world.region.place},
    {'K', &world.region.kek_package},
    {'W', &world.region.world_package},
    {'O', &world.owner.world_file},
    {'R', &world.region.world_file},
    {'D', &world.owner.cards.file[0]},
    {'b', &world.owner.copy_blob},
    {'p', &world.owner.copy_place},
    {'T', &world.package},
    {'V', &world.vault_blob},
    {'v', &world.vault_place},
};

/* What a quorum of cards rebuilds, so that handlers can be called as if it had been presented. */
static void learn_secret(struct fake_module *module, const struct fake_cards *cards, uint8_t out[SECRET_LEN])
{
    static const uint8_t hash[32];
    const struct kq_trust_change_request request = {
        .list = KQ_TRUST_ROOTS, .change = KQ_TRUST_ADD, .hash = kq_slice_of(hash, sizeof hash)};
    uint8_t params_hash[32];
    struct hsm_call call;
    ceremony_authorise(module, KQ_OP_TRUST_CHANGE, &request, KQ_SLICE_EMPTY, cards);
    fake_params_hash(KQ_OP_TRUST_CHANGE, &request, params_hash);
    fake_call_begin(module, &call, KQ_OP_TRUST_CHANGE);
    FUZZ_CHECK(hsm_quorum_take(&call, module->authority, params_hash) == KQ_OK);
    FUZZ_CHECK(call.quorum_secret.len == SECRET_LEN);
    memcpy(out, call.quorum_secret.data, SECRET_LEN);
    module->authority = 0;
    fake_call_end(module, &call, KQ_ERR_CANCELLED);
}

static void present_quorum(struct hsm_call *call, const uint8_t secret[SECRET_LEN])
{
    uint8_t *copy = kq_memory_new(SECRET_LEN);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, secret, SECRET_LEN);
    call->quorum_secret = kq_slice_of(copy, SECRET_LEN);
    call->has_quorum = true;
}

/* The reduced copy, and a package made with it. */
static void make_package(void)
{
    ceremony_copy(&world.owner, &world.region);
    const struct kq_transfer_package_request request = ceremony_package_request(&world.owner, &world.region);
    struct kq_transfer_package_reply made;
    FUZZ_CHECK(fake_module_call(&world.owner.module, KQ_OP_TRANSFER_PACKAGE, &request, &made) == KQ_OK);
    kq_buffer_init(&world.package, KQ_TRANSFER_PACKAGE_FILE_MAX);
    FUZZ_CHECK(kq_buffer_append(&world.package, made.package.data, made.package.len) == KQ_OK);
}

static void make_vault_key(void)
{
    const struct kq_vault_key_generate_request request = {
        .subscription = kq_slice_text("3a1b5f7c-0000-4111-8222-abcdefabcdef"),
        .vault = kq_slice_text("vault"),
        .key_name = kq_slice_text("name"),
        .key_version = kq_slice_text("0123456789abcdef0123456789abcdef"),
        .key_type = KQ_KEY_EC_P256,
        .bits = 256,
        .purpose = KQ_VAULT_PURPOSE_USE,
    };
    struct kq_vault_key_reply made;
    FUZZ_CHECK(fake_module_call(&world.region.module, KQ_OP_VAULT_KEY_GENERATE, &request, &made) == KQ_OK);
    kq_buffer_init(&world.vault_blob, 12288);
    kq_buffer_init(&world.vault_place, KQ_PLACE_MAX);
    FUZZ_CHECK(kq_buffer_append(&world.vault_blob, made.blob.data, made.blob.len) == KQ_OK);
    FUZZ_CHECK(kq_buffer_append(&world.vault_place, made.place.data, made.place.len) == KQ_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    ceremony_factory(&world.factory, false);
    ceremony_owner(&world.factory, KQ_KEY_EC_P256, 256, &world.owner);
    ceremony_region(&world.factory, "NA-1", &world.region);
    fake_module_init(&world.bare, ceremony_tables);
    make_package();
    make_vault_key();
    learn_secret(&world.owner.module, &world.owner.cards, world.secrets[0]);
    learn_secret(&world.region.module, &world.region.cards, world.secrets[1]);
    learn_secret(&world.factory.module, &world.factory.cards, world.secrets[2]);
    const struct kq_key_load_request request = {.blob = kq_buffer_slice(&world.owner.blob),
                                                .place = kq_buffer_slice(&world.owner.place)};
    struct kq_key_load_reply loaded;
    FUZZ_CHECK(fake_module_call(&world.owner.module, KQ_OP_KEY_LOAD, &request, &loaded) == KQ_OK);
    world.handle = loaded.handle;
    return 0;
}

/* Making keys takes long and reads nothing worth fuzzing. */
static bool is_slow(enum kq_op op)
{
    return op == KQ_OP_KEY_GENERATE || op == KQ_OP_VAULT_KEY_GENERATE || op == KQ_OP_EXCHANGE_CREATE ||
           op == KQ_OP_WORLD_CREATE_BEGIN || op == KQ_OP_WORLD_CREATE_COMMIT || op == KQ_OP_FACTORY_ROOT;
}

static const struct hsm_row *find_row(uint8_t op)
{
    for (const struct hsm_row *const *table = ceremony_tables; *table != NULL; table++) {
        for (const struct hsm_row *row = *table; row->handler != NULL; row++) {
            if ((uint8_t)row->op == op && !is_slow(row->op))
                return row;
        }
    }
    return NULL;
}

static void put_artefact(struct kq_slice *member)
{
    for (size_t i = 0; member->len == 1 && i < KQ_COUNT_OF(artefacts); i++) {
        if (member->data[0] == (uint8_t)artefacts[i].letter)
            *member = kq_buffer_slice(artefacts[i].bytes);
    }
}

/* Walks the decoded struct by its table; handle 1 stands for the loaded key. */
static void put_artefacts(const struct kq_record_type *type, void *params)
{
    uint8_t *at = params;
    for (size_t i = 0; i < type->num_fields; i++) {
        const struct kq_field *field = &type->fields[i];
        if (field->kind == KQ_FIELD_UINT) {
            uint64_t *number = (uint64_t *)(void *)at;
            if (*number == 1 && strcmp(field->name, "handle") == 0)
                *number = world.handle;
            at += sizeof *number;
        } else if (field->kind == KQ_FIELD_LIST) {
            at += sizeof(struct kq_list);
        } else {
            put_artefact((struct kq_slice *)(void *)at);
            at += sizeof(struct kq_slice);
        }
    }
}

static void check_answer(const struct kq_operation *operation, kq_status status, const struct hsm_call *call,
                         struct kq_writer *results)
{
    FUZZ_CHECK(memchr(call->detail, 0, sizeof call->detail) != NULL);
    FUZZ_CHECK(kq_text_is_printable(kq_slice_text(call->detail)));
    if (status != KQ_OK || operation->results == &kq_nothing_type)
        return;
    uint64_t decoded[128];
    FUZZ_CHECK(kq_record_get(operation->results, kq_buffer_slice(&results->buffer), decoded, NULL) == KQ_OK);
}

/* secret NULL: no quorum was presented. */
static void run(struct fake_module *module, const struct hsm_row *row, const uint8_t *secret,
                struct kq_slice params_bytes)
{
    const struct kq_operation *operation = kq_operation_find(row->op);
    uint64_t params[128];
    if (kq_record_get(operation->params, params_bytes, params, NULL) != KQ_OK)
        return;
    put_artefacts(operation->params, params);
    struct hsm_call call;
    fake_call_begin(module, &call, row->op);
    call.params_bytes = params_bytes;
    if (secret != NULL)
        present_quorum(&call, secret);
    KQ_AUTO_VALUE(kq_writer) results = {0};
    kq_writer_init(&results, 120000);
    if ((row->flags & HSM_ROW_DRAFT) != 0)
        FUZZ_CHECK(hsm_state_clone(call.state, &call.draft) == KQ_OK);
    kq_status status = row->handler(&call, params, &results);
    check_answer(operation, status, &call, &results);
    fake_call_end(module, &call, KQ_ERR_CANCELLED); /* the draft is dropped */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct fake_module *const modules[] = {&world.owner.module, &world.region.module, &world.factory.module,
                                           &world.bare};
    size_t at = data[0] % KQ_COUNT_OF(modules);
    const struct hsm_row *row = find_row(data[1]);
    if (row == NULL || (row->worlds & (1u << modules[at]->state->world.kind)) == 0)
        return 0;
    bool has_quorum = (row->flags & HSM_ROW_QUORUM) != 0 || (data[2] & 1) != 0;
    const uint8_t *secret =
        at == 3 ? world.secrets[0] : world.secrets[at]; /* the bare module loads the owner's world */
    run(modules[at], row, has_quorum ? secret : NULL, kq_slice_of(data + 3, size - 3));
    return 0;
}
