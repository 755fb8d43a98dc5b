#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "harness/test_keys.h"
#include "pubcrypto/hash.h"
#include "tools/owner/audit_log.h"
#include "wire/frame.h"

#define RECORDS_MAX 32
#define ESN "TEST-0000-0001"

/* A log written here from the text of docs/formats/audit.md: the tree hash is
 * the recursive definition of RFC 9162 2.1.1, not the compact one. */
struct log {
    struct test_key *signer;
    struct kq_buffer bytes;
    uint8_t leaves[RECORDS_MAX][32];
    size_t num;
    struct kq_buffer last_head; /* kq_signed */
};

static void leaf_hash(struct kq_slice record, uint8_t out[32])
{
    static const uint8_t zero = 0;
    const struct kq_slice parts[] = {kq_slice_of(&zero, 1), record};
    kq_sha256_parts(parts, 2, out);
}

static void tree_hash(const struct log *log, size_t from, size_t num, uint8_t out[32])
{
    static const uint8_t one = 1;
    uint8_t left[32], right[32];
    size_t split = 1;
    if (num == 0) {
        kq_sha256(KQ_SLICE_EMPTY, out);
        return;
    }
    if (num == 1) {
        memcpy(out, log->leaves[from], 32);
        return;
    }
    while (split * 2 < num)
        split *= 2;
    tree_hash(log, from, split, left);
    tree_hash(log, from + split, num - split, right);
    const struct kq_slice parts[] = {kq_slice_of(&one, 1), kq_slice_of(left, 32), kq_slice_of(right, 32)};
    kq_sha256_parts(parts, 3, out);
}

static void put_entry(struct log *log, enum kq_audit_entry_kind kind, struct kq_slice content)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    const struct kq_audit_entry entry = {.kind = kind, .content = content};
    struct kq_slice bytes;
    uint8_t head[KQ_FRAME_HEAD_LEN];
    kq_writer_init(&writer, KQ_FRAME_MAX);
    kq_audit_entry_put(&entry, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    kq_frame_head(bytes.len, head);
    assert_ok(kq_buffer_append(&log->bytes, head, sizeof head));
    assert_ok(kq_buffer_append(&log->bytes, bytes.data, bytes.len));
}

static void put_record(struct log *log, uint64_t index, const char *event)
{
    KQ_AUTO_VALUE(kq_writer) writer;
    const struct kq_audit_record record = {
        .index = index, .time = 1000 + index, .class_ = KQ_AUDIT_ADMIN, .event = kq_slice_text(event), .count = 1};
    struct kq_slice bytes;
    kq_writer_init(&writer, 2048);
    kq_audit_record_put(&record, &writer);
    assert_ok(kq_writer_finish(&writer, &bytes));
    leaf_hash(bytes, log->leaves[log->num++]);
    put_entry(log, KQ_AUDIT_ENTRY_RECORD, bytes);
}

static void put_head(struct log *log, uint64_t num_records)
{
    KQ_AUTO_VALUE(kq_writer) body;
    KQ_AUTO_VALUE(kq_writer) statement;
    KQ_AUTO_VALUE(kq_buffer) signature = {.max = KQ_SIGNATURE_MAX};
    uint8_t root[32];
    tree_hash(log, 0, log->num, root);
    const struct kq_audit_head head = {
        .esn = kq_slice_text(ESN), .num_records = num_records, .root = kq_slice_of(root, 32), .time = 2000};
    struct kq_signed whole = {.body = KQ_SLICE_EMPTY};
    struct kq_slice bytes;
    kq_writer_init(&body, 256);
    kq_audit_head_put(&head, &body);
    assert_ok(kq_writer_finish(&body, &whole.body));
    test_key_sign(log->signer, whole.body, &signature);
    whole.signature = kq_buffer_slice(&signature);
    kq_writer_init(&statement, KQ_SIGNED_MAX);
    kq_signed_put(&whole, &statement);
    assert_ok(kq_writer_finish(&statement, &bytes));
    kq_buffer_clear(&log->last_head);
    kq_buffer_init(&log->last_head, KQ_SIGNED_MAX);
    assert_ok(kq_buffer_append(&log->last_head, bytes.data, bytes.len));
    put_entry(log, KQ_AUDIT_ENTRY_HEAD, bytes);
}

static void put_records_and_head(struct log *log, size_t num)
{
    for (size_t i = 0; i < num; i++)
        put_record(log, log->num, "key_generate");
    put_head(log, log->num);
}

static int set_up(void **state)
{
    struct log *log = calloc(1, sizeof *log);
    log->signer = test_key_new(KQ_KEY_EC_P384, 384);
    kq_buffer_init(&log->bytes, 1024 * 1024);
    put_entry(log, KQ_AUDIT_ENTRY_SIGNER, test_key_public(log->signer));
    *state = log;
    return 0;
}

static int tear_down(void **state)
{
    struct log *log = *state;
    test_key_free(log->signer);
    kq_buffer_clear(&log->bytes);
    kq_buffer_clear(&log->last_head);
    free(log);
    return 0;
}

static kq_status check(struct kq_slice bytes, const struct kq_audit_witness *witness, struct kq_audit_facts *out)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    rewind(file);
    kq_status status = kq_audit_log_check(fileno(file), witness, NULL, NULL, out);
    fclose(file);
    return status;
}

static void check__heads_after_every_number_of_records__all_fit(void **state)
{
    struct log *log = *state;
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    put_head(log, 0);
    for (size_t i = 0; i < 20; i++)
        put_records_and_head(log, 1);
    assert_ok(check(kq_buffer_slice(&log->bytes), NULL, &facts));
    assert_int_equal(facts.num_records, 20);
    assert_int_equal(facts.num_heads, 21);
    assert_int_equal(facts.num_covered, 20);
    assert_string_equal(facts.esn, ESN);
}

static void check__any_byte_changed__noticed(void **state)
{
    struct log *log = *state;
    put_records_and_head(log, 3);
    for (size_t i = 0; i < log->bytes.len; i++) {
        KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
        log->bytes.data[i] ^= 0x01;
        kq_status status = check(kq_buffer_slice(&log->bytes), NULL, &facts);
        /* A longer length makes the last frame look torn: then the head no longer covers all. */
        assert_true(status != KQ_OK || facts.torn_bytes > 0);
        log->bytes.data[i] ^= 0x01;
    }
}

static void check__no_head__nothing_vouches(void **state)
{
    struct log *log = *state;
    KQ_AUTO_VALUE(kq_audit_facts) empty = {.num_records = 0};
    KQ_AUTO_VALUE(kq_audit_facts) headless = {.num_records = 0};
    assert_status(check(KQ_SLICE_EMPTY, NULL, &empty), KQ_ERR_SIGNATURE);
    assert_non_null(strstr(empty.failure, "empty"));
    put_record(log, 0, "a");
    assert_status(check(kq_buffer_slice(&log->bytes), NULL, &headless), KQ_ERR_SIGNATURE);
    assert_non_null(strstr(headless.failure, "no signed head"));
}

static void check__record_removed__named(void **state)
{
    struct log *log = *state;
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    put_record(log, 0, "a");
    put_record(log, 2, "c");
    assert_status(check(kq_buffer_slice(&log->bytes), NULL, &facts), KQ_ERR_FORMAT);
    assert_non_null(strstr(facts.failure, "record 2 stands where 1 belongs"));
}

static void check__head_of_another_number__signature(void **state)
{
    struct log *log = *state;
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    put_record(log, 0, "a");
    put_head(log, 2);
    assert_status(check(kq_buffer_slice(&log->bytes), NULL, &facts), KQ_ERR_SIGNATURE);
}

static void check__signed_by_another_key__signature(void **state)
{
    struct log *log = *state;
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    test_key_free(log->signer);
    log->signer = test_key_new(KQ_KEY_EC_P384, 384);
    put_records_and_head(log, 2);
    assert_status(check(kq_buffer_slice(&log->bytes), NULL, &facts), KQ_ERR_SIGNATURE);
}

static void check__torn_at_the_end__good_up_to_there(void **state)
{
    struct log *log = *state;
    put_records_and_head(log, 2);
    size_t whole = log->bytes.len;
    put_record(log, 2, "torn");
    for (size_t len = whole; len < log->bytes.len; len++) {
        KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
        assert_ok(check(kq_slice_of(log->bytes.data, len), NULL, &facts));
        assert_int_equal(facts.torn_bytes, len - whole);
        assert_int_equal(facts.num_records, 2);
    }
}

static void take_witness(struct log *log, struct kq_audit_witness *out)
{
    assert_ok(kq_audit_witness_get(kq_buffer_slice(&log->last_head), test_key_public(log->signer), out));
}

static void check__cut_at_an_earlier_head__seen_against_the_witness(void **state)
{
    struct log *log = *state;
    struct kq_audit_witness witness;
    put_records_and_head(log, 2);
    size_t earlier = log->bytes.len;
    put_records_and_head(log, 3);
    take_witness(log, &witness);
    KQ_AUTO_VALUE(kq_audit_facts) cut = {.num_records = 0};
    KQ_AUTO_VALUE(kq_audit_facts) whole = {.num_records = 0};
    assert_status(check(kq_slice_of(log->bytes.data, earlier), &witness, &cut), KQ_ERR_ROLLBACK);
    assert_ok(check(kq_buffer_slice(&log->bytes), &witness, &whole));
    assert_true(whole.witness_seen);
}

static void check__grown_after_the_witness__prefix_is_enough(void **state)
{
    struct log *log = *state;
    struct kq_audit_witness witness;
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    put_records_and_head(log, 2);
    take_witness(log, &witness);
    put_records_and_head(log, 3);
    assert_ok(check(kq_buffer_slice(&log->bytes), &witness, &facts));
    assert_true(facts.witness_seen);
}

static void check__another_history_of_the_same_length__seen(void **state)
{
    struct log *log = *state;
    struct kq_audit_witness witness;
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    put_records_and_head(log, 2);
    take_witness(log, &witness);
    witness.root[0] ^= 1;
    assert_status(check(kq_buffer_slice(&log->bytes), &witness, &facts), KQ_ERR_ROLLBACK);
    assert_non_null(strstr(facts.failure, "another history"));
}

static void check__unclean_stops__counted(void **state)
{
    struct log *log = *state;
    KQ_AUTO_VALUE(kq_audit_facts) facts = {.num_records = 0};
    put_record(log, 0, "module-start");
    put_record(log, 1, "unclean-stop");
    put_head(log, 2);
    assert_ok(check(kq_buffer_slice(&log->bytes), NULL, &facts));
    assert_int_equal(facts.num_unclean, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(check__heads_after_every_number_of_records__all_fit), TEST(check__any_byte_changed__noticed),
          TEST(check__no_head__nothing_vouches), TEST(check__record_removed__named),
          TEST(check__head_of_another_number__signature), TEST(check__signed_by_another_key__signature),
          TEST(check__torn_at_the_end__good_up_to_there), TEST(check__cut_at_an_earlier_head__seen_against_the_witness),
          TEST(check__grown_after_the_witness__prefix_is_enough), TEST(check__another_history_of_the_same_length__seen),
          TEST(check__unclean_stops__counted))
