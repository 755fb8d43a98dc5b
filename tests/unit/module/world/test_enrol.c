#include "unit.h"

#include "harness/ceremony.h"
#include "pubcrypto/x509.h"
#include "trust/chain.h"

static const struct fake_world region = {KQ_WORLD_REGION, "ECp521mAES", 1, 1, false};
static const struct fake_world owner = {KQ_WORLD_OWNER, "ECp521mAES", 1, 1, false};

struct fixture {
    struct fake_factory factory;
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer world_file;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fake_clock_set(FAKE_NOW);
    ceremony_factory(&fixture->factory, false);
    fake_module_init(&fixture->module, ceremony_tables);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fake_factory_clear(&fixture->factory);
    fake_module_clear(&fixture->module);
    fake_cards_clear(&fixture->cards);
    kq_buffer_clear(&fixture->world_file);
    free(fixture);
    return 0;
}

static void enrol__request_warrant_install__chain_verifies_to_this_module(void **state)
{
    struct fixture *fixture = *state;
    struct kq_certificate warrant;
    struct kq_certificate root;
    uint8_t root_hash[32];
    uint8_t expected[32];
    ceremony_enrol(&fixture->factory, &fixture->module);
    const struct hsm_state *enrolled = fixture->module.state;
    assert_ok(kq_chain_verify_warrant(kq_buffer_slice(&enrolled->warrant), kq_buffer_slice(&enrolled->root), FAKE_NOW,
                                      &warrant, &root, root_hash));
    assert_slice_equal(warrant.public_key, hsm_key_public(enrolled->module_key));
    assert_string_equal(warrant.serial_number, enrolled->esn);
    assert_false(root.is_rehearsal);
    ceremony_root_hash(&fixture->factory.root, expected);
    assert_memory_equal(root_hash, expected, 32);
}

static void factory_root__rehearsal__says_so_in_its_subject(void **state)
{
    (void)state;
    KQ_AUTO_VALUE(fake_factory) factory = {.root = {0}};
    struct kq_certificate root;
    ceremony_factory(&factory, true);
    assert_ok(kq_certificate_get(kq_buffer_slice(&factory.root), &root));
    assert_true(root.is_rehearsal);
    assert_true(root.is_authority);
}

static void factory_root__second_one__is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct fake_module *module = &fixture->factory.module;
    const struct kq_factory_root_request request = {.name = kq_slice_text("again"), .not_after = FAKE_NOW + 1000};
    ceremony_authorise(module, KQ_OP_FACTORY_ROOT, &request, KQ_SLICE_EMPTY, &fixture->factory.cards);
    assert_status(fake_module_call(module, KQ_OP_FACTORY_ROOT, &request, NULL), KQ_ERR_EXISTS);
}

static void factory__without_quorum_or_in_another_world__is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct kq_file enrolment;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_ENROL_REQUEST, NULL, &enrolment));
    const struct kq_factory_warrant_request request = {.enrolment = enrolment.file, .not_after = FAKE_NOW + 1000};
    assert_status(fake_module_call(&fixture->factory.module, KQ_OP_FACTORY_WARRANT, &request, NULL), KQ_ERR_QUORUM);
    KQ_AUTO_VALUE(fake_module) elsewhere = {0};
    fake_module_init(&elsewhere, ceremony_tables);
    assert_status(fake_module_call(&elsewhere, KQ_OP_FACTORY_WARRANT, &request, NULL), KQ_ERR_STATE);
}

static kq_status warrant(struct fixture *fixture, struct kq_slice enrolment, uint64_t not_after)
{
    const struct kq_factory_warrant_request request = {.enrolment = enrolment, .not_after = not_after};
    ceremony_authorise(&fixture->factory.module, KQ_OP_FACTORY_WARRANT, &request, KQ_SLICE_EMPTY,
                       &fixture->factory.cards);
    return fake_module_call(&fixture->factory.module, KQ_OP_FACTORY_WARRANT, &request, NULL);
}

static void factory_warrant__request_changed_or_dates_wrong__is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct kq_file enrolment;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_ENROL_REQUEST, NULL, &enrolment));
    uint8_t changed[KQ_CERT_MAX];
    memcpy(changed, enrolment.file.data, enrolment.file.len);
    for (size_t at = 0; at < enrolment.file.len; at += 3) {
        changed[at] ^= 0x10;
        assert_int_not_equal(warrant(fixture, kq_slice_of(changed, enrolment.file.len), FAKE_NOW + 1000), KQ_OK);
        changed[at] ^= 0x10;
    }
    assert_status(warrant(fixture, enrolment.file, FAKE_NOW), KQ_ERR_ARGUMENT);
    assert_status(warrant(fixture, enrolment.file, FAKE_NOW + UINT64_C(500000000)), KQ_ERR_ARGUMENT);
    assert_ok(warrant(fixture, enrolment.file, FAKE_NOW + 1000));
}

static void enrol_install__another_modules_warrant__is_refused(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_module) other = {0};
    fake_module_init(&other, ceremony_tables);
    ceremony_enrol(&fixture->factory, &other);
    const struct kq_enrol_install_request request = {.warrant = kq_buffer_slice(&other.state->warrant),
                                                     .root = kq_buffer_slice(&other.state->root)};
    assert_status(fake_module_call(&fixture->module, KQ_OP_ENROL_INSTALL, &request, NULL), KQ_ERR_MISMATCH);
    assert_int_equal(fixture->module.state->warrant.len, 0);
}

/* A request by any key in any module's name, which the factory cannot tell from a true one, and its warrant. */
static kq_status install_warrant_of(struct fixture *fixture, const struct hsm_key *key, const char *esn)
{
    KQ_AUTO_VALUE(kq_buffer) body = {0};
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    KQ_AUTO_VALUE(kq_buffer) enrolment = {0};
    kq_buffer_init(&body, KQ_CERT_MAX);
    kq_buffer_init(&signature, KQ_SIGNATURE_MAX);
    kq_buffer_init(&enrolment, KQ_CERT_MAX);
    assert_ok(kq_enrolment_body(hsm_key_public(key), esn, &body));
    assert_ok(hsm_key_sign_bytes(key, kq_buffer_slice(&body), &signature));
    assert_ok(kq_x509_assemble(kq_buffer_slice(&body), kq_buffer_slice(&signature), &enrolment));
    const struct kq_factory_warrant_request order = {.enrolment = kq_buffer_slice(&enrolment),
                                                     .not_after = FAKE_NOW + 1000};
    struct kq_file issued;
    ceremony_authorise(&fixture->factory.module, KQ_OP_FACTORY_WARRANT, &order, KQ_SLICE_EMPTY,
                       &fixture->factory.cards);
    assert_ok(fake_module_call(&fixture->factory.module, KQ_OP_FACTORY_WARRANT, &order, &issued));
    const struct kq_enrol_install_request request = {.warrant = issued.file,
                                                     .root = kq_buffer_slice(&fixture->factory.root)};
    return fake_module_call(&fixture->module, KQ_OP_ENROL_INSTALL, &request, NULL);
}

static void enrol_install__own_esn_other_key_or_own_key_other_esn__is_refused(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO(hsm_key) other = NULL;
    KQ_AUTO(hsm_key) own = hsm_key_hold(fixture->module.state->module_key);
    char esn[KQ_ESN_LEN + 1];
    memcpy(esn, fixture->module.state->esn, sizeof esn);
    assert_ok(hsm_key_generate(KQ_KEY_EC_P384, 384, 0, &other));
    assert_status(install_warrant_of(fixture, other, esn), KQ_ERR_MISMATCH);
    assert_status(install_warrant_of(fixture, own, "0000-0000-0000"), KQ_ERR_MISMATCH);
    assert_int_equal(fixture->module.state->warrant.len, 0);
    assert_ok(install_warrant_of(fixture, own, esn));
}

static void enrol_install__warrant_under_another_root__is_refused(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_factory) other = {.root = {0}};
    KQ_AUTO_VALUE(kq_buffer) issued = {0};
    ceremony_factory(&other, false);
    ceremony_enrol(&fixture->factory, &fixture->module);
    kq_buffer_init(&issued, KQ_CERT_MAX);
    const struct kq_buffer *own = &fixture->module.state->warrant;
    assert_ok(kq_buffer_append(&issued, own->data, own->len));
    const struct kq_enrol_install_request request = {.warrant = kq_buffer_slice(&issued),
                                                     .root = kq_buffer_slice(&other.root)};
    assert_int_not_equal(fake_module_call(&fixture->module, KQ_OP_ENROL_INSTALL, &request, NULL), KQ_OK);
}

static void enrol_install__other_root_while_a_world_is_loaded__only_instead_of_a_rehearsal(void **state)
{
    struct fixture *fixture = *state;
    KQ_AUTO_VALUE(fake_factory) rehearsal = {.root = {0}};
    KQ_AUTO_VALUE(fake_factory) other = {.root = {0}};
    ceremony_factory(&rehearsal, true);
    ceremony_factory(&other, false);
    ceremony_enrol(&rehearsal, &fixture->module);
    ceremony_make_world(&fixture->module, &region, &fixture->cards, &fixture->world_file);
    uint8_t rehearsal_hash[32];
    ceremony_root_hash(&rehearsal.root, rehearsal_hash);
    assert_non_null(hsm_state_find_root(fixture->module.state, rehearsal_hash));
    ceremony_enrol(&fixture->factory, &fixture->module); /* ends the program if it is refused */
    assert_null(hsm_state_find_root(fixture->module.state, rehearsal_hash));
    assert_int_equal(fixture->module.state->num_roots, 0); /* the new one waits for a quorum */
    struct kq_file enrolment;
    assert_ok(fake_module_call(&fixture->module, KQ_OP_ENROL_REQUEST, NULL, &enrolment));
    const struct kq_factory_warrant_request order = {.enrolment = enrolment.file, .not_after = FAKE_NOW + 1000};
    struct kq_file issued;
    ceremony_authorise(&other.module, KQ_OP_FACTORY_WARRANT, &order, KQ_SLICE_EMPTY, &other.cards);
    assert_ok(fake_module_call(&other.module, KQ_OP_FACTORY_WARRANT, &order, &issued));
    const struct kq_enrol_install_request request = {.warrant = issued.file, .root = kq_buffer_slice(&other.root)};
    assert_status(fake_module_call(&fixture->module, KQ_OP_ENROL_INSTALL, &request, NULL), KQ_ERR_STATE);
}

static void enrol_install__trusted_roots__only_those_a_new_regions_world_begins_with(void **state)
{
    struct fixture *fixture = *state;
    uint8_t root_hash[32];
    ceremony_root_hash(&fixture->factory.root, root_hash);
    ceremony_enrol(&fixture->factory, &fixture->module);
    assert_int_equal(fixture->module.state->num_roots, 0);
    ceremony_make_world(&fixture->module, &owner, &fixture->cards, &fixture->world_file);
    ceremony_enrol(&fixture->factory, &fixture->module);
    assert_int_equal(fixture->module.state->num_roots, 0);
    ceremony_make_world(&fixture->module, &region, &fixture->cards, &fixture->world_file);
    assert_int_equal(fixture->module.state->num_roots, 1);
    assert_non_null(hsm_state_find_root(fixture->module.state, root_hash));
    ceremony_enrol(&fixture->factory, &fixture->module);
    assert_int_equal(fixture->module.state->num_roots, 1);
}

static void enrol_install__in_a_region_without_warrant__adds_no_trusted_root(void **state)
{
    struct fixture *fixture = *state;
    ceremony_make_world(&fixture->module, &region, &fixture->cards, &fixture->world_file);
    ceremony_enrol(&fixture->factory, &fixture->module);
    assert_int_equal(fixture->module.state->num_roots, 0);
}

#define ENROL_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
UNIT_MAIN(ENROL_TEST(enrol__request_warrant_install__chain_verifies_to_this_module),
          ENROL_TEST(factory_root__rehearsal__says_so_in_its_subject), ENROL_TEST(factory_root__second_one__is_refused),
          ENROL_TEST(factory__without_quorum_or_in_another_world__is_refused),
          ENROL_TEST(factory_warrant__request_changed_or_dates_wrong__is_refused),
          ENROL_TEST(enrol_install__another_modules_warrant__is_refused),
          ENROL_TEST(enrol_install__own_esn_other_key_or_own_key_other_esn__is_refused),
          ENROL_TEST(enrol_install__warrant_under_another_root__is_refused),
          ENROL_TEST(enrol_install__other_root_while_a_world_is_loaded__only_instead_of_a_rehearsal),
          ENROL_TEST(enrol_install__trusted_roots__only_those_a_new_regions_world_begins_with),
          ENROL_TEST(enrol_install__in_a_region_without_warrant__adds_no_trusted_root))
