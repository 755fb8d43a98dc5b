#include "unit.h"

#include "module/acl/acl.h"
#include "module/privcrypto/seal.h"
#include "module/seal/blob.h"
#include "trust/acl.h"

/* A state that has a world, as far as blobs look at it. */
struct fixture {
    struct hsm_state *state;
    struct hsm_key *rsa, *ec, *aes;
    struct kq_buffer acl, counted_acl;
    struct kq_slice place, other_place;
};

static struct fixture fixture;

static void write_acl(enum kq_key_type type, uint64_t use_limit, struct kq_buffer *out)
{
    static const uint8_t counter[20] = {1};
    const struct hsm_world *world = &fixture.state->world;
    const struct kq_acl_owner_request request = {
        .type = type,
        .hkm = kq_slice_of(world->hkm, 32),
        .hknso = kq_slice_of(world->hknso, 32),
        .use_limit = use_limit,
        .counter_id = kq_slice_of(counter, use_limit > 0 ? 20 : 0),
    };
    kq_buffer_init(out, KQ_ACL_MAX);
    assert_ok(kq_acl_owner_key(&request, out));
}

static int set_up(void **unused)
{
    (void)unused;
    assert_ok(hsm_state_new(1000, &fixture.state));
    struct hsm_world *world = &fixture.state->world;
    world->kind = KQ_WORLD_OWNER;
    hsm_random(world->km, sizeof world->km);
    hsm_random(world->hkm, sizeof world->hkm);
    hsm_random(world->hknso, sizeof world->hknso);
    assert_ok(hsm_key_generate(KQ_KEY_RSA, 2048, 0, &fixture.rsa));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P256, 0, 0, &fixture.ec));
    assert_ok(hsm_key_generate(KQ_KEY_AES, 256, 0, &fixture.aes));
    write_acl(KQ_KEY_RSA, 0, &fixture.acl);
    write_acl(KQ_KEY_RSA, 3, &fixture.counted_acl);
    fixture.place = kq_slice_text("a place");
    fixture.other_place = kq_slice_text("b place");
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    hsm_key_free(fixture.rsa);
    hsm_key_free(fixture.ec);
    hsm_key_free(fixture.aes);
    kq_buffer_clear(&fixture.acl);
    kq_buffer_clear(&fixture.counted_acl);
    hsm_state_free(fixture.state);
    return 0;
}

static struct hsm_blob_request request_of(const struct hsm_key *key)
{
    return (struct hsm_blob_request){
        .key = key, .origin = KQ_ORIGIN_GENERATED, .acl = kq_buffer_slice(&fixture.acl), .place = fixture.place};
}

static struct kq_buffer seal(const struct hsm_key *key)
{
    struct kq_buffer blob = {0};
    const struct hsm_blob_request request = request_of(key);
    kq_buffer_init(&blob, 12288);
    assert_ok(hsm_blob_seal(fixture.state, &request, &blob));
    return blob;
}

static kq_status open(struct kq_slice blob, struct kq_slice place, struct hsm_loaded **out)
{
    const char *why = NULL;
    kq_status status = hsm_blob_open(fixture.state, blob, place, out, &why);
    assert_non_null(why);
    return status;
}

static void blob__each_key_type__opens_as_it_was(void **unused)
{
    (void)unused;
    const struct hsm_key *const keys[] = {fixture.rsa, fixture.ec, fixture.aes};
    for (size_t i = 0; i < 3; i++) {
        KQ_AUTO_VALUE(kq_buffer) blob = seal(keys[i]), before = {0}, after = {0};
        KQ_AUTO(hsm_loaded) loaded = NULL;
        kq_buffer_init(&before, 4096);
        kq_buffer_init(&after, 4096);
        assert_ok(open(kq_buffer_slice(&blob), fixture.place, &loaded));
        assert_ok(hsm_key_bytes(keys[i], &before));
        assert_ok(hsm_key_bytes(loaded->key, &after));
        assert_slice_equal(kq_buffer_slice(&after), kq_buffer_slice(&before));
        assert_slice_equal(kq_buffer_slice(&loaded->acl), kq_buffer_slice(&fixture.acl));
        assert_slice_equal(kq_buffer_slice(&loaded->place), fixture.place);
        assert_int_equal(loaded->origin, KQ_ORIGIN_GENERATED);
    }
}

static void blob_seal__twice__nothing_in_common(void **unused)
{
    (void)unused;
    KQ_AUTO_VALUE(kq_buffer) a = seal(fixture.aes), b = seal(fixture.aes);
    struct kq_key_blob one, two;
    assert_ok(kq_key_blob_get(kq_buffer_slice(&a), &one, NULL));
    assert_ok(kq_key_blob_get(kq_buffer_slice(&b), &two, NULL));
    assert_false(kq_slice_is_equal(one.salt, two.salt));
    assert_false(kq_slice_is_equal(one.sealed, two.sealed));
}

/* Every bit of a blob: of the open part, the salt, the seal. */
static void blob_open__any_bit_flipped__refused(void **unused)
{
    (void)unused;
    KQ_AUTO_VALUE(kq_buffer) blob = seal(fixture.ec);
    for (size_t bit = 0; bit < 8 * blob.len; bit++) {
        struct hsm_loaded *loaded = NULL;
        blob.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(open(kq_buffer_slice(&blob), fixture.place, &loaded), KQ_OK);
        assert_null(loaded);
        blob.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void blob_open__truncated_or_longer__format(void **unused)
{
    (void)unused;
    KQ_AUTO_VALUE(kq_buffer) blob = seal(fixture.ec);
    struct hsm_loaded *loaded = NULL;
    for (size_t len = 0; len < blob.len; len++)
        assert_status(open(kq_slice_of(blob.data, len), fixture.place, &loaded), KQ_ERR_FORMAT);
    assert_ok(kq_buffer_append(&blob, "", 1));
    assert_status(open(kq_buffer_slice(&blob), fixture.place, &loaded), KQ_ERR_FORMAT);
}

/* Decodes the blob, changes one field, encodes it again: well-formed, but not what was sealed. */
typedef void change_field(struct kq_key_blob *blob);

static void raise_origin(struct kq_key_blob *blob)
{
    blob->origin = KQ_ORIGIN_TRANSFERRED_ATTESTED;
}

static void change_acl(struct kq_key_blob *blob)
{
    blob->acl = kq_buffer_slice(&fixture.counted_acl);
}

static void change_place(struct kq_key_blob *blob)
{
    blob->place = fixture.other_place;
}

static void change_bits(struct kq_key_blob *blob)
{
    blob->bits = 3072;
}

static void change_type(struct kq_key_blob *blob)
{
    blob->key_type = KQ_KEY_EC_SECP256K1;
}

static void add_counter(struct kq_key_blob *blob)
{
    blob->counter_esn = kq_slice_text(fixture.state->esn);
}

static void drop_public_hash(struct kq_key_blob *blob)
{
    blob->public_hash = KQ_SLICE_EMPTY;
}

static void drop_seal(struct kq_key_blob *blob)
{
    blob->sealed = KQ_SLICE_EMPTY;
}

static void blob_open__a_field_rewritten__auth(void **unused)
{
    (void)unused;
    static change_field *const changes[] = {raise_origin, change_acl,  change_place,     change_bits,
                                            change_type,  add_counter, drop_public_hash, drop_seal};
    KQ_AUTO_VALUE(kq_buffer) blob = seal(fixture.rsa);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct kq_key_blob fields;
        struct hsm_loaded *loaded = NULL;
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        kq_writer_init(&writer, 12288);
        assert_ok(kq_key_blob_get(kq_buffer_slice(&blob), &fields, NULL));
        changes[i](&fields);
        kq_key_blob_put(&fields, &writer);
        assert_ok(writer.failure);
        assert_status(open(kq_buffer_slice(&writer.buffer), fields.place, &loaded), KQ_ERR_AUTH);
    }
}

static void blob_open__another_place__mismatch(void **unused)
{
    (void)unused;
    KQ_AUTO_VALUE(kq_buffer) blob = seal(fixture.ec);
    struct hsm_loaded *loaded = NULL;
    assert_status(open(kq_buffer_slice(&blob), fixture.other_place, &loaded), KQ_ERR_MISMATCH);
    assert_status(open(kq_buffer_slice(&blob), KQ_SLICE_EMPTY, &loaded), KQ_ERR_MISMATCH);
}

static void blob_open__another_world_or_none__refused(void **unused)
{
    (void)unused;
    KQ_AUTO_VALUE(kq_buffer) blob = seal(fixture.ec);
    KQ_AUTO(hsm_state) other = NULL;
    struct hsm_loaded *loaded = NULL;
    const char *why;
    struct kq_slice bytes = kq_buffer_slice(&blob);
    assert_ok(hsm_state_clone(fixture.state, &other));
    other->world.km[0] ^= 1; /* says it is the same world */
    assert_status(hsm_blob_open(other, bytes, fixture.place, &loaded, &why), KQ_ERR_AUTH);
    other->world.hkm[0] ^= 1;
    assert_status(hsm_blob_open(other, bytes, fixture.place, &loaded, &why), KQ_ERR_MISMATCH);
    other->world.kind = 0;
    assert_status(hsm_blob_open(other, bytes, fixture.place, &loaded, &why), KQ_ERR_STATE);
    struct hsm_blob_request request = request_of(fixture.ec);
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 12288);
    assert_status(hsm_blob_seal(other, &request, &out), KQ_ERR_STATE);
}

static void blob__with_use_limit__opens_only_in_its_module(void **unused)
{
    (void)unused;
    struct hsm_blob_request request = request_of(fixture.rsa);
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    KQ_AUTO(hsm_state) other = NULL;
    KQ_AUTO(hsm_loaded) loaded = NULL;
    struct hsm_loaded *none = NULL;
    const char *why;
    kq_buffer_init(&blob, 12288);
    request.acl = kq_buffer_slice(&fixture.counted_acl);
    assert_status(hsm_blob_seal(fixture.state, &request, &blob), KQ_ERR_ARGUMENT); /* must say that it is counted */
    request.is_counted = true;
    assert_ok(hsm_blob_seal(fixture.state, &request, &blob));
    assert_ok(open(kq_buffer_slice(&blob), fixture.place, &loaded));
    assert_ok(hsm_state_clone(fixture.state, &other));
    other->esn[0] ^= 1;
    assert_status(hsm_blob_open(other, kq_buffer_slice(&blob), fixture.place, &none, &why), KQ_ERR_MISMATCH);
    assert_non_null(strstr(why, "another module"));
}

/* Sealed under the right key, but not as the module seals: what a member of
 * the world with a fault, or a later version, might have made. */
static void seal_by_hand(struct kq_key_blob *blob, struct kq_writer *out)
{
    KQ_AUTO_VALUE(kq_writer) aad = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0}, sealed = {0};
    const struct hsm_world *world = &fixture.state->world;
    kq_writer_init(&aad, 12288);
    kq_writer_init(out, 12288);
    kq_buffer_init(&plain, 4096);
    kq_buffer_init(&sealed, 8192);
    blob->sealed = KQ_SLICE_EMPTY;
    kq_key_blob_put(blob, &aad);
    assert_ok(hsm_key_bytes(fixture.rsa, &plain));
    assert_ok(hsm_seal(kq_slice_of(world->km, 32), blob->salt, "keyquay/key-blob", kq_buffer_slice(&aad.buffer),
                       kq_buffer_slice(&plain), &sealed));
    blob->sealed = kq_buffer_slice(&sealed);
    kq_key_blob_put(blob, out);
    assert_ok(out->failure);
}

static void leave_as_it_is(struct kq_key_blob *blob)
{
    (void)blob;
}

static void damage_acl(struct kq_key_blob *blob)
{
    blob->acl = kq_slice_text("no ACL");
}

static void blob_open__well_sealed_but_inconsistent__auth(void **unused)
{
    (void)unused;
    static change_field *const changes[] = {
        leave_as_it_is, change_bits, change_type, change_acl /* counted by nobody */, drop_public_hash, damage_acl};
    KQ_AUTO_VALUE(kq_buffer) blob = seal(fixture.rsa);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        KQ_AUTO(hsm_loaded) loaded = NULL;
        KQ_AUTO_VALUE(kq_writer) writer = {0};
        struct kq_key_blob fields;
        assert_ok(kq_key_blob_get(kq_buffer_slice(&blob), &fields, NULL));
        changes[i](&fields);
        seal_by_hand(&fields, &writer);
        assert_status(open(kq_buffer_slice(&writer.buffer), fixture.place, &loaded), i == 0 ? KQ_OK : KQ_ERR_AUTH);
    }
}

/* ---- recovery blobs --------------------------------------------------------------------- */

static const uint8_t recovery_km[32] = {0x4b};

static kq_status open_recovery(const struct hsm_key *recovery, struct kq_slice blob, struct kq_slice place,
                               struct hsm_loaded **out)
{
    const char *why = NULL;
    return hsm_recovery_blob_open(recovery, kq_slice_of(recovery_km, sizeof recovery_km), blob, place, out, &why);
}

static kq_status seal_recovery(const struct hsm_key *recovery, const struct hsm_blob_request *request,
                               struct kq_buffer *blob)
{
    return hsm_recovery_blob_seal(hsm_key_public(recovery), kq_slice_of(recovery_km, sizeof recovery_km), request,
                                  blob);
}

static void recovery_blob__each_recovery_key__opens_as_it_was(void **unused)
{
    (void)unused;
    static const enum kq_key_type types[] = {KQ_KEY_RSA, KQ_KEY_EC_P521};
    for (size_t i = 0; i < 2; i++) {
        KQ_AUTO(hsm_key) recovery = NULL;
        KQ_AUTO(hsm_loaded) loaded = NULL;
        KQ_AUTO_VALUE(kq_buffer) blob = {0}, before = {0}, after = {0};
        const struct hsm_blob_request request = request_of(fixture.rsa);
        kq_buffer_init(&blob, 12288);
        kq_buffer_init(&before, 4096);
        kq_buffer_init(&after, 4096);
        assert_ok(hsm_key_generate(types[i], 2048, 0, &recovery));
        assert_ok(seal_recovery(recovery, &request, &blob));
        assert_ok(open_recovery(recovery, kq_buffer_slice(&blob), fixture.place, &loaded));
        assert_ok(hsm_key_bytes(fixture.rsa, &before));
        assert_ok(hsm_key_bytes(loaded->key, &after));
        assert_slice_equal(kq_buffer_slice(&after), kq_buffer_slice(&before));
        assert_slice_equal(kq_buffer_slice(&loaded->acl), request.acl);
    }
}

static void recovery_blob_open__any_bit_flipped_or_other_key__refused(void **unused)
{
    (void)unused;
    KQ_AUTO(hsm_key) recovery = NULL;
    KQ_AUTO(hsm_key) other = NULL;
    KQ_AUTO_VALUE(kq_buffer) blob = {0};
    const struct hsm_blob_request request = request_of(fixture.ec);
    struct hsm_loaded *loaded = NULL;
    kq_buffer_init(&blob, 12288);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P521, 0, 0, &recovery));
    assert_ok(hsm_key_generate(KQ_KEY_EC_P521, 0, 0, &other));
    assert_ok(seal_recovery(recovery, &request, &blob));
    struct kq_slice bytes = kq_buffer_slice(&blob);
    assert_status(open_recovery(other, bytes, fixture.place, &loaded), KQ_ERR_MISMATCH);
    assert_status(open_recovery(recovery, bytes, fixture.other_place, &loaded), KQ_ERR_MISMATCH);
    for (size_t bit = 0; bit < 8 * blob.len;
         bit += 3) { /* 3 is prime to 8: every byte, and every bit in it somewhere */
        blob.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(open_recovery(recovery, bytes, fixture.place, &loaded), KQ_OK);
        assert_null(loaded);
        blob.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blob__each_key_type__opens_as_it_was),
        cmocka_unit_test(blob_seal__twice__nothing_in_common),
        cmocka_unit_test(blob_open__any_bit_flipped__refused),
        cmocka_unit_test(blob_open__truncated_or_longer__format),
        cmocka_unit_test(blob_open__a_field_rewritten__auth),
        cmocka_unit_test(blob_open__well_sealed_but_inconsistent__auth),
        cmocka_unit_test(blob_open__another_place__mismatch),
        cmocka_unit_test(blob_open__another_world_or_none__refused),
        cmocka_unit_test(blob__with_use_limit__opens_only_in_its_module),
        cmocka_unit_test(recovery_blob__each_recovery_key__opens_as_it_was),
        cmocka_unit_test(recovery_blob_open__any_bit_flipped_or_other_key__refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
