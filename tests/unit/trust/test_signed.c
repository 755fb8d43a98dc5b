#include "harness/test_keys.h"
#include "trust/chain.h"
#include "unit.h"

static void make_statement(const struct test_key *signer, struct kq_writer *out)
{
    KQ_AUTO_VALUE(kq_buffer) signature = {0};
    kq_buffer_init(&signature, 1024);
    test_key_sign(signer, kq_slice_text("body"), &signature);
    struct kq_signed statement = {.body = kq_slice_text("body"), .signature = kq_buffer_slice(&signature)};
    kq_writer_init(out, 4096);
    kq_signed_put(&statement, out);
}

static void signed_verify__by_the_key__gives_the_body(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    KQ_AUTO_VALUE(kq_writer) statement = {.failure = KQ_OK};
    struct kq_slice body;
    make_statement(key, &statement);
    assert_ok(kq_signed_verify(kq_buffer_slice(&statement.buffer), test_key_public(key), &body));
    assert_slice_equal(body, kq_slice_text("body"));
    test_key_free(key);
}

static void signed_verify__by_another_key__gives_nothing(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    struct test_key *other = test_key_new(KQ_KEY_EC_P384, 384);
    KQ_AUTO_VALUE(kq_writer) statement = {.failure = KQ_OK};
    struct kq_slice body = KQ_SLICE_EMPTY;
    make_statement(key, &statement);
    assert_status(kq_signed_verify(kq_buffer_slice(&statement.buffer), test_key_public(other), &body),
                  KQ_ERR_SIGNATURE);
    assert_null(body.data);
    test_key_free(key);
    test_key_free(other);
}

/* P-256 keys sign no statements, even when the signature is right. */
static void signed_verify__by_a_key_that_signs_none__is_refused(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P256, 256);
    KQ_AUTO_VALUE(kq_writer) statement = {.failure = KQ_OK};
    struct kq_slice body;
    make_statement(key, &statement);
    assert_status(kq_signed_verify(kq_buffer_slice(&statement.buffer), test_key_public(key), &body), KQ_ERR_SIGNATURE);
    test_key_free(key);
}

static void signed_verify__damaged_statement_or_key__is_a_format_error(void **state)
{
    (void)state;
    struct test_key *key = test_key_new(KQ_KEY_EC_P384, 384);
    KQ_AUTO_VALUE(kq_writer) statement = {.failure = KQ_OK};
    struct kq_slice body;
    make_statement(key, &statement);
    struct kq_slice whole = kq_buffer_slice(&statement.buffer);
    for (size_t len = 0; len < whole.len; len++)
        assert_status(kq_signed_verify(kq_slice_of(whole.data, len), test_key_public(key), &body), KQ_ERR_FORMAT);
    assert_status(kq_signed_verify(whole, kq_slice_of(key->spki, key->spki_len - 1), &body), KQ_ERR_FORMAT);
    test_key_free(key);
}

UNIT_MAIN(cmocka_unit_test(signed_verify__by_the_key__gives_the_body),
          cmocka_unit_test(signed_verify__by_another_key__gives_nothing),
          cmocka_unit_test(signed_verify__by_a_key_that_signs_none__is_refused),
          cmocka_unit_test(signed_verify__damaged_statement_or_key__is_a_format_error))
