#include "tools/owner/audit_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "trust/chain.h"
#include "wire/frame.h"

#define READ_LEN 65536u
#define TREE_LEVELS 64

/* The compact tree: for each set bit of num the hash of a full subtree. */
struct tree {
    uint64_t num;
    uint8_t level[TREE_LEVELS][32];
};

struct check {
    const struct kq_audit_witness *witness;
    kq_audit_visitor *visitor;
    void *context;
    struct kq_audit_facts *facts;
    struct tree tree;
    uint64_t offset; /* of the entry being read, for messages */
};

void kq_audit_facts_clear(struct kq_audit_facts *facts)
{
    kq_buffer_clear(&facts->signer);
}

/* ---- the tree ------------------------------------------------------------------------------- */

static void hash_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
    static const uint8_t prefix = 1;
    const struct kq_slice parts[] = {kq_slice_of(&prefix, 1), kq_slice_of(left, 32), kq_slice_of(right, 32)};
    kq_sha256_parts(parts, 3, out);
}

static void tree_add(struct tree *tree, struct kq_slice record)
{
    static const uint8_t prefix = 0;
    const struct kq_slice parts[] = {kq_slice_of(&prefix, 1), record};
    uint8_t hash[32];
    size_t level = 0;
    kq_sha256_parts(parts, 2, hash);
    for (; (tree->num >> level & 1) != 0; level++)
        hash_node(tree->level[level], hash, hash);
    memcpy(tree->level[level], hash, sizeof hash);
    tree->num++;
}

static void tree_root(const struct tree *tree, uint8_t out[32])
{
    bool started = false;
    kq_sha256(KQ_SLICE_EMPTY, out); /* of the empty tree */
    for (size_t level = 0; level < TREE_LEVELS; level++) {
        if ((tree->num >> level & 1) == 0)
            continue;
        if (started)
            hash_node(tree->level[level], out, out);
        else
            memcpy(out, tree->level[level], 32);
        started = true;
    }
}

/* ---- entries ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static kq_status fail(struct check *check, kq_status status, const char *format,
                                                            ...)
{
    char what[200];
    va_list values;
    va_start(values, format);
    vsnprintf(what, sizeof what, format, values);
    va_end(values);
    snprintf(check->facts->failure, sizeof check->facts->failure, "at byte %" PRIu64 ": %s", check->offset, what);
    return status;
}

static kq_status compare_witness(struct check *check)
{
    uint8_t root[32];
    if (check->witness == NULL || check->witness->num_records != check->tree.num || check->facts->witness_seen)
        return KQ_OK;
    tree_root(&check->tree, root);
    if (memcmp(root, check->witness->root, sizeof root) != 0)
        return fail(check, KQ_ERR_ROLLBACK, "another history: the first %" PRIu64 " records are not those of the head",
                    check->tree.num);
    check->facts->witness_seen = true;
    return KQ_OK;
}

static kq_status take_record(struct check *check, struct kq_slice content)
{
    struct kq_audit_record record;
    const char *field;
    if (kq_audit_record_get(content, &record, &field) != KQ_OK)
        return fail(check, KQ_ERR_FORMAT, "a record is damaged (field %s)", field);
    if (record.index != check->tree.num)
        return fail(check, KQ_ERR_FORMAT, "record %" PRIu64 " stands where %" PRIu64 " belongs: records are missing",
                    record.index, check->tree.num);
    tree_add(&check->tree, content);
    check->facts->num_records = check->tree.num;
    check->facts->num_unclean += kq_slice_is_text(record.event, "unclean-stop");
    check->facts->num_cuts += kq_slice_is_text(record.event, "log-cut");
    if (check->visitor != NULL)
        check->visitor(check->context, &record);
    return compare_witness(check);
}

static kq_status take_signer(struct check *check, struct kq_slice content)
{
    struct kq_audit_facts *facts = check->facts;
    if (facts->signer.len > 0)
        return kq_slice_is_equal(kq_buffer_slice(&facts->signer), content)
                   ? KQ_OK
                   : fail(check, KQ_ERR_SIGNATURE, "the signing key changes in the middle of the log");
    kq_buffer_init(&facts->signer, KQ_PUBLIC_MAX);
    if (kq_buffer_append(&facts->signer, content.data, content.len) != KQ_OK)
        return fail(check, KQ_ERR_FORMAT, "the signing key is damaged");
    kq_sha256(content, facts->signer_hash);
    return KQ_OK;
}

static kq_status take_head(struct check *check, struct kq_slice content)
{
    struct kq_audit_facts *facts = check->facts;
    struct kq_slice body;
    struct kq_audit_head head;
    uint8_t root[32];
    if (facts->signer.len == 0)
        return fail(check, KQ_ERR_FORMAT, "a head stands before the signing key");
    if (kq_signed_verify(content, kq_buffer_slice(&facts->signer), &body) != KQ_OK ||
        kq_audit_head_get(body, &head, NULL) != KQ_OK)
        return fail(check, KQ_ERR_SIGNATURE, "a head's signature does not verify");
    tree_root(&check->tree, root);
    if (head.num_records != check->tree.num || !kq_slice_is_equal(head.root, kq_slice_of(root, sizeof root)))
        return fail(check, KQ_ERR_SIGNATURE, "a head over %" PRIu64 " records does not fit the %" PRIu64 " before it",
                    head.num_records, check->tree.num);
    if (facts->esn[0] != '\0' && !kq_slice_is_text(head.esn, facts->esn))
        return fail(check, KQ_ERR_SIGNATURE, "the serial number changes in the middle of the log");
    if (!kq_text_copy(head.esn, facts->esn, sizeof facts->esn))
        return fail(check, KQ_ERR_FORMAT, "the serial number is damaged");
    facts->num_heads++;
    facts->num_covered = check->tree.num;
    return KQ_OK;
}

static kq_status take_entry(struct check *check, struct kq_slice frame)
{
    struct kq_audit_entry entry;
    const char *field;
    if (kq_audit_entry_get(frame, &entry, &field) != KQ_OK)
        return fail(check, KQ_ERR_FORMAT, "an entry is damaged (field %s)", field);
    switch (entry.kind) {
    case KQ_AUDIT_ENTRY_RECORD:
        return take_record(check, entry.content);
    case KQ_AUDIT_ENTRY_HEAD:
        return take_head(check, entry.content);
    default:
        return take_signer(check, entry.content);
    }
}

/* ---- the file ------------------------------------------------------------------------------------- */

/* Takes whole frames off the buffer. */
static kq_status take_frames(struct check *check, struct kq_buffer *buffer)
{
    for (;;) {
        struct kq_slice frame = KQ_SLICE_EMPTY;
        size_t taken;
        if (kq_frame_split(kq_buffer_slice(buffer), &frame, &taken) != KQ_OK)
            return fail(check, KQ_ERR_FORMAT, "a frame has an impossible length");
        if (taken == 0)
            return KQ_OK;
        KQ_TRY(take_entry(check, frame));
        kq_buffer_consume(buffer, taken);
        check->offset += taken;
    }
}

static kq_status read_some(int fd, struct kq_buffer *buffer, size_t *out_got)
{
    uint8_t *room;
    KQ_TRY(kq_buffer_reserve(buffer, READ_LEN, &room));
    for (;;) {
        ssize_t got = read(fd, room, READ_LEN);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KQ_ERR_IO;
        buffer->len += (size_t)got;
        *out_got = (size_t)got;
        return KQ_OK;
    }
}

static kq_status check_end(struct check *check)
{
    const struct kq_audit_facts *facts = check->facts;
    if (facts->num_heads == 0 && check->witness == NULL)
        return fail(check, KQ_ERR_SIGNATURE,
                    facts->num_records == 0 ? "the log is empty; a module's log begins with its first start"
                                            : "no signed head: nothing vouches for these records");
    if (check->witness != NULL && !facts->witness_seen)
        return fail(check, KQ_ERR_ROLLBACK, "the log ends after %" PRIu64 " records; the head covers %" PRIu64,
                    facts->num_records, check->witness->num_records);
    if (check->witness != NULL && facts->esn[0] != '\0' && strcmp(check->witness->esn, facts->esn) != 0)
        return fail(check, KQ_ERR_ROLLBACK, "the log is of module %s, the head of %s", facts->esn, check->witness->esn);
    return KQ_OK;
}

kq_status kq_audit_log_check(int fd, const struct kq_audit_witness *witness, kq_audit_visitor *visitor, void *context,
                             struct kq_audit_facts *out)
{
    struct check check = {.witness = witness, .visitor = visitor, .context = context, .facts = out};
    KQ_AUTO_VALUE(kq_buffer) buffer = {.max = KQ_FRAME_MAX + KQ_FRAME_HEAD_LEN + READ_LEN};
    *out = (struct kq_audit_facts){.num_records = 0};
    KQ_TRY(compare_witness(&check)); /* a head over no records */
    size_t got = 1;
    while (got > 0) {
        if (read_some(fd, &buffer, &got) != KQ_OK)
            return fail(&check, KQ_ERR_IO, "the log cannot be read");
        KQ_TRY(take_frames(&check, &buffer));
    }
    out->torn_bytes = buffer.len;
    return check_end(&check);
}

kq_status kq_audit_witness_get(struct kq_slice head, struct kq_slice signer, struct kq_audit_witness *out)
{
    struct kq_slice body;
    struct kq_audit_head facts;
    KQ_TRY(kq_signed_verify(head, signer, &body));
    KQ_TRY(kq_audit_head_get(body, &facts, NULL));
    out->num_records = facts.num_records;
    memcpy(out->root, facts.root.data, sizeof out->root);
    return kq_text_copy(facts.esn, out->esn, sizeof out->esn) ? KQ_OK : KQ_ERR_FORMAT;
}

kq_status kq_audit_log_signer(int fd, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) buffer = {.max = READ_LEN};
    struct kq_slice frame = KQ_SLICE_EMPTY;
    struct kq_audit_entry entry;
    size_t got, taken;
    KQ_TRY(read_some(fd, &buffer, &got));
    KQ_TRY(kq_frame_split(kq_buffer_slice(&buffer), &frame, &taken));
    if (taken == 0 || kq_audit_entry_get(frame, &entry, NULL) != KQ_OK || entry.kind != KQ_AUDIT_ENTRY_SIGNER)
        return KQ_ERR_FORMAT;
    return kq_buffer_append(out, entry.content.data, entry.content.len);
}
