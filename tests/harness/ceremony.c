#include "harness/ceremony.h"

#include <stdio.h>
#include <stdlib.h>

#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"

const struct hsm_row *const ceremony_tables[] = {hsm_quorum_rows, hsm_world_rows,    hsm_enrol_rows,
                                                 hsm_key_rows,    hsm_transfer_rows, NULL};

static void must(const struct fake_module *module, kq_status status, const char *what)
{
    if (status == KQ_OK)
        return;
    fprintf(stderr, "ceremony: %s: %s: %s\n", what, kq_status_text(status), module->detail);
    abort();
}

static void keep(struct kq_buffer *out, struct kq_slice bytes)
{
    kq_buffer_clear(out);
    kq_buffer_init(out, 65536);
    if (kq_buffer_append(out, bytes.data, bytes.len) != KQ_OK)
        abort();
}

void fake_cards_clear(struct fake_cards *cards)
{
    for (size_t i = 0; i < cards->num; i++)
        kq_buffer_clear(&cards->file[i]);
    cards->num = 0;
}

static void write_card(struct fake_module *module, uint64_t creation, struct fake_cards *cards)
{
    static const uint8_t salt[32] = {5};
    struct kq_card_reply reply;
    memset(cards->key[cards->num], (int)(0x20 + cards->num), 32);
    const struct kq_world_create_card_request request = {
        .creation = creation,
        .scrypt_log2_n = 17,
        .scrypt_r = 8,
        .scrypt_p = 1,
        .scrypt_salt = kq_slice_of(salt, sizeof salt),
        .card_key = kq_slice_of(cards->key[cards->num], 32),
    };
    must(module, fake_module_call(module, KQ_OP_WORLD_CREATE_CARD, &request, &reply), "card");
    keep(&cards->file[cards->num++], reply.card);
}

void ceremony_make_world(struct fake_module *module, const struct fake_world *world, struct fake_cards *out_cards,
                         struct kq_buffer *out_world_file)
{
    uint8_t former[32];
    memcpy(former, module->state->world.hknso, sizeof former);
    const struct kq_world_create_begin_request begin = {
        .kind = world->kind,
        .suite = kq_slice_text(world->suite),
        .quorum = world->quorum,
        .num_cards = world->num_cards,
        .recovery = world->has_recovery,
        .replaces_hknso = module->state->world.kind == 0 ? KQ_SLICE_EMPTY : kq_slice_of(former, sizeof former),
    };
    struct kq_world_create_begin_reply begun;
    must(module, fake_module_call(module, KQ_OP_WORLD_CREATE_BEGIN, &begin, &begun), "begin");
    uint64_t creation = begun.creation;
    fake_cards_clear(out_cards);
    for (unsigned i = 0; i < world->num_cards; i++)
        write_card(module, creation, out_cards);
    const struct kq_world_create_commit_request commit = {.creation = creation};
    struct kq_world_reply reply;
    must(module, fake_module_call(module, KQ_OP_WORLD_CREATE_COMMIT, &commit, &reply), "commit");
    keep(out_world_file, reply.world_file);
}

kq_status ceremony_card(struct fake_module *module, uint64_t authority, const struct fake_cards *cards, size_t at,
                        struct kq_auth_card_reply *out)
{
    const struct kq_auth_card_request request = {
        .authority = authority,
        .card = kq_buffer_slice(&cards->file[at]),
        .card_key = kq_slice_of(cards->key[at], 32),
    };
    return fake_module_call(module, KQ_OP_AUTH_CARD, &request, out);
}

void ceremony_authorise(struct fake_module *module, enum kq_op op, const void *params, struct kq_slice world_file,
                        const struct fake_cards *cards)
{
    uint8_t hash[32];
    fake_params_hash(op, params, hash);
    const struct kq_auth_begin_request begin = {
        .op = op, .params_hash = kq_slice_of(hash, sizeof hash), .world_file = world_file};
    struct kq_auth_begin_reply begun;
    must(module, fake_module_call(module, KQ_OP_AUTH_BEGIN, &begin, &begun), "auth begin");
    uint64_t authority = begun.authority;
    struct kq_auth_card_reply card = {.num_missing = 1};
    for (size_t i = 0; i < cards->num && card.num_missing > 0; i++)
        must(module, ceremony_card(module, authority, cards, i, &card), "auth card");
    module->authority = authority;
}

/* ---- manufacturer ------------------------------------------------------------------------ */

void ceremony_factory(struct fake_factory *factory, bool is_rehearsal)
{
    *factory = (struct fake_factory){.cards = {.num = 0}};
    KQ_AUTO_VALUE(kq_buffer) world_file = {0};
    fake_module_init(&factory->module, ceremony_tables);
    const struct fake_world world = {KQ_WORLD_FACTORY, "ECp521mAES", 1, 1, false};
    ceremony_make_world(&factory->module, &world, &factory->cards, &world_file);
    const struct kq_factory_root_request root = {
        .name = kq_slice_text("Test manufacturer"),
        .rehearsal = is_rehearsal,
        .not_after = FAKE_NOW + UINT64_C(400000000),
    };
    struct kq_file reply;
    ceremony_authorise(&factory->module, KQ_OP_FACTORY_ROOT, &root, KQ_SLICE_EMPTY, &factory->cards);
    must(&factory->module, fake_module_call(&factory->module, KQ_OP_FACTORY_ROOT, &root, &reply), "root");
    keep(&factory->root, reply.file);
}

void fake_factory_clear(struct fake_factory *factory)
{
    fake_module_clear(&factory->module);
    fake_cards_clear(&factory->cards);
    kq_buffer_clear(&factory->root);
}

void ceremony_enrol(struct fake_factory *factory, struct fake_module *module)
{
    struct kq_file request;
    must(module, fake_module_call(module, KQ_OP_ENROL_REQUEST, NULL, &request), "enrolment request");
    const struct kq_factory_warrant_request warrant = {
        .enrolment = request.file,
        .not_after = FAKE_NOW + UINT64_C(300000000),
    };
    struct kq_file issued;
    ceremony_authorise(&factory->module, KQ_OP_FACTORY_WARRANT, &warrant, KQ_SLICE_EMPTY, &factory->cards);
    must(&factory->module, fake_module_call(&factory->module, KQ_OP_FACTORY_WARRANT, &warrant, &issued), "warrant");
    const struct kq_enrol_install_request install = {.warrant = issued.file, .root = kq_buffer_slice(&factory->root)};
    must(module, fake_module_call(module, KQ_OP_ENROL_INSTALL, &install, NULL), "installation");
}

void ceremony_root_hash(const struct kq_buffer *root, uint8_t out[32])
{
    struct kq_certificate certificate;
    if (kq_certificate_get(kq_buffer_slice(root), &certificate) != KQ_OK)
        abort();
    kq_sha256(certificate.public_key, out);
}

/* ---- regions -------------------------------------------------------------------------------- */

void ceremony_exchange_key(struct fake_region *region, const char *code, uint64_t generation)
{
    const struct kq_exchange_create_request request = {
        .region = kq_slice_text(code),
        .operator_name = kq_slice_text("Test operator"),
        .vault_suffix = kq_slice_text(".vault.example"),
        .generation = generation,
        .bits = 2048,
        .not_after = FAKE_NOW + UINT64_C(100000000),
    };
    struct kq_exchange_create_reply reply;
    struct fake_module *module = &region->module;
    ceremony_authorise(module, KQ_OP_EXCHANGE_CREATE, &request, KQ_SLICE_EMPTY, &region->cards);
    must(module, fake_module_call(module, KQ_OP_EXCHANGE_CREATE, &request, &reply), "exchange key");
    keep(&region->blob, reply.blob);
    keep(&region->place, reply.place);
    keep(&region->certificate, reply.certificate);
    keep(&region->kek_package, reply.kek_package);
    keep(&region->world_package, reply.world_package);
}

void ceremony_region(struct fake_factory *factory, const char *code, struct fake_region *out)
{
    *out = (struct fake_region){.cards = {.num = 0}};
    fake_module_init(&out->module, ceremony_tables);
    ceremony_enrol(factory, &out->module);
    const struct fake_world world = {KQ_WORLD_REGION, "ECp521mAES", 2, 3, false};
    ceremony_make_world(&out->module, &world, &out->cards, &out->world_file);
    ceremony_exchange_key(out, code, 1);
}

void fake_region_clear(struct fake_region *region)
{
    fake_module_clear(&region->module);
    fake_cards_clear(&region->cards);
    kq_buffer_clear(&region->world_file);
    kq_buffer_clear(&region->blob);
    kq_buffer_clear(&region->place);
    kq_buffer_clear(&region->certificate);
    kq_buffer_clear(&region->kek_package);
    kq_buffer_clear(&region->world_package);
}

void ceremony_trust(struct fake_module *module, const struct fake_cards *cards, enum kq_trust_list list,
                    enum kq_trust_change change, const uint8_t hash[32], bool is_rehearsal)
{
    const struct kq_trust_change_request request = {
        .list = list,
        .change = change,
        .hash = kq_slice_of(hash, 32),
        .label = kq_slice_text("by ceremony"),
        .rehearsal = is_rehearsal,
    };
    ceremony_authorise(module, KQ_OP_TRUST_CHANGE, &request, KQ_SLICE_EMPTY, cards);
    must(module, fake_module_call(module, KQ_OP_TRUST_CHANGE, &request, NULL), "trust");
}

/* ---- owners ------------------------------------------------------------------------------------ */

void ceremony_owner_place(const struct fake_module *module, const char *application, const char *ident,
                          struct kq_buffer *out)
{
    const struct kq_place place = {
        .kind = KQ_PLACE_OWNER,
        .hknso = kq_slice_of(module->state->world.hknso, 32),
        .application = kq_slice_text(application),
        .ident = kq_slice_text(ident),
    };
    KQ_AUTO_VALUE(kq_writer) writer = {0};
    struct kq_slice encoded;
    kq_writer_init(&writer, KQ_PLACE_MAX);
    kq_place_put(&place, &writer);
    if (kq_writer_finish(&writer, &encoded) != KQ_OK)
        abort();
    keep(out, encoded);
}

void ceremony_owner(struct fake_factory *factory, enum kq_key_type type, uint64_t bits, struct fake_owner *out)
{
    *out = (struct fake_owner){.cards = {.num = 0}};
    fake_module_init(&out->module, ceremony_tables);
    if (factory != NULL)
        ceremony_enrol(factory, &out->module);
    const struct fake_world world = {KQ_WORLD_OWNER, "ECp521mAES", 2, 3, false};
    ceremony_make_world(&out->module, &world, &out->cards, &out->world_file);
    const struct kq_key_generate_request request = {
        .application = kq_slice_text("simple"),
        .ident = kq_slice_text("contosokey"),
        .key_type = type,
        .bits = bits,
    };
    struct kq_key_reply reply;
    must(&out->module, fake_module_call(&out->module, KQ_OP_KEY_GENERATE, &request, &reply), "key");
    keep(&out->blob, reply.blob);
    keep(&out->public_key, reply.public_key);
    ceremony_owner_place(&out->module, "simple", "contosokey", &out->place);
}

void fake_owner_clear(struct fake_owner *owner)
{
    fake_module_clear(&owner->module);
    fake_cards_clear(&owner->cards);
    kq_buffer_clear(&owner->world_file);
    kq_buffer_clear(&owner->blob);
    kq_buffer_clear(&owner->place);
    kq_buffer_clear(&owner->public_key);
    kq_buffer_clear(&owner->copy_blob);
    kq_buffer_clear(&owner->copy_place);
}

struct kq_transfer_copy_request ceremony_copy_request(const struct fake_owner *owner, const struct fake_region *region)
{
    return (struct kq_transfer_copy_request){
        .blob = kq_buffer_slice(&owner->blob),
        .place = kq_buffer_slice(&owner->place),
        .kek_package = kq_buffer_slice(&region->kek_package),
        .world_package = kq_buffer_slice(&region->world_package),
        .not_after = FAKE_NOW + UINT64_C(90) * 24 * 3600,
    };
}

kq_status ceremony_try_copy(struct fake_owner *owner, const struct kq_transfer_copy_request *request)
{
    ceremony_authorise(&owner->module, KQ_OP_TRANSFER_COPY, request, KQ_SLICE_EMPTY, &owner->cards);
    struct kq_key_reply reply;
    KQ_TRY(fake_module_call(&owner->module, KQ_OP_TRANSFER_COPY, request, &reply));
    keep(&owner->copy_blob, reply.blob);
    ceremony_owner_place(&owner->module, "xferacld", "contosokey", &owner->copy_place);
    return KQ_OK;
}

void ceremony_copy(struct fake_owner *owner, struct fake_region *region)
{
    uint8_t root[32];
    uint8_t world[32];
    ceremony_root_hash(&region->module.state->root, root);
    memcpy(world, region->module.state->world.hknso, sizeof world);
    struct kq_transfer_copy_request request = ceremony_copy_request(owner, region);
    request.trust_root = kq_slice_of(root, sizeof root);
    request.trust_world = kq_slice_of(world, sizeof world);
    must(&owner->module, ceremony_try_copy(owner, &request), "copy");
}

struct kq_transfer_package_request ceremony_package_request(const struct fake_owner *owner,
                                                            const struct fake_region *region)
{
    return (struct kq_transfer_package_request){
        .blob = kq_buffer_slice(&owner->copy_blob),
        .place = kq_buffer_slice(&owner->copy_place),
        .kek_package = kq_buffer_slice(&region->kek_package),
        .world_package = kq_buffer_slice(&region->world_package),
        .subscription = kq_slice_text(CEREMONY_SUBSCRIPTION),
        .friendly_name = kq_slice_text("ContosoFirstHSMKey"),
    };
}

struct kq_transfer_import_request ceremony_import_request(const struct fake_region *region, struct kq_slice package)
{
    return (struct kq_transfer_import_request){
        .kek_blob = kq_buffer_slice(&region->blob),
        .kek_place = kq_buffer_slice(&region->place),
        .kek_certificate = kq_buffer_slice(&region->certificate),
        .package = package,
        .subscription = kq_slice_text(CEREMONY_SUBSCRIPTION),
        .vault = kq_slice_text("contosovault"),
        .key_name = kq_slice_text("ContosoFirstHSMKey"),
        .key_version = kq_slice_text("0123456789abcdef0123456789abcdef"),
        .origin_policy = KQ_ORIGIN_POLICY_ANY,
    };
}
