/* What clients of the keys routes send besides JSON: backups, packages in base64, tokens of lists, durations. */
#include "base/text.h"
#include "fuzz.h"
#include "vault/api/backup.h"
#include "vault/api/key_input.h"
#include "vault/api/paging.h"
#include "vault/api/rotation.h"

/* What is read can be written, and reads the same again. */
static void backup(struct kq_slice in)
{
    KQ_AUTO_VALUE(vault_backup) first = {0};
    KQ_AUTO_VALUE(vault_backup) second = {0};
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    char why[200] = "";
    if (vault_backup_decode(in, &first, why, sizeof why) != KQ_OK) {
        FUZZ_CHECK(why[0] != '\0');
        return;
    }
    FUZZ_CHECK(first.num_versions >= 1 && first.num_versions <= VAULT_BACKUP_VERSIONS_MAX);
    kq_buffer_init(&text, VAULT_BACKUP_MAX);
    FUZZ_CHECK(vault_backup_encode(&first, &text) == KQ_OK);
    FUZZ_CHECK(vault_backup_decode(kq_buffer_slice(&text), &second, why, sizeof why) == KQ_OK);
    FUZZ_CHECK(second.num_versions == first.num_versions);
    FUZZ_CHECK(kq_slice_is_equal(kq_buffer_slice(&first.versions[0].blob), kq_buffer_slice(&second.versions[0].blob)));
}

static void base64(struct kq_slice in)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    kq_buffer_init(&bytes, 4096);
    kq_status status = vault_base64_decode(in, &bytes);
    FUZZ_CHECK(status == KQ_OK ? bytes.len <= in.len : bytes.len == 0);
}

static void texts(const char *text)
{
    char marker[VAULT_MARKER_SIZE];
    struct vault_duration duration = {0};
    if (vault_skip_token_decode(text, marker) == KQ_OK) {
        KQ_AUTO_VALUE(kq_buffer) again = {0};
        kq_buffer_init(&again, VAULT_MARKER_SIZE * 2);
        FUZZ_CHECK(vault_skip_token_encode(marker, &again) == KQ_OK);
        FUZZ_CHECK(kq_slice_is_text(kq_buffer_slice(&again), text));
    }
    if (vault_duration_parse(text, &duration)) {
        FUZZ_CHECK(vault_duration_after(FUZZ_NOW, duration) >= FUZZ_NOW);
        FUZZ_CHECK(vault_duration_before(FUZZ_NOW, duration) <= FUZZ_NOW);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[400];
    struct kq_slice in = kq_slice_of(data, size);
    backup(in);
    base64(in);
    if (kq_text_copy(in, text, sizeof text))
        texts(text);
    return 0;
}
