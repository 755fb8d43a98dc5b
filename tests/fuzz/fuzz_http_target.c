/* Request targets and Host headers. */
#include "base/text.h"
#include "fuzz.h"
#include "vault/http/target.h"

static void check_text(const char *text, const char *start, const char *end)
{
    FUZZ_CHECK(*text == '\0' || (text >= start && text < end));
    FUZZ_CHECK(kq_text_is_printable(kq_slice_text(text)));
}

static void try_target(struct kq_slice in)
{
    struct vault_http_request request = {0};
    const char *why = NULL;
    size_t size = VAULT_TARGET_STORAGE(in.len);
    char *storage = malloc(size); /* exactly, so that one byte more is found */
    FUZZ_CHECK(storage != NULL);
    bool good = vault_http_target_parse(in, storage, &request, &why) == KQ_OK;
    FUZZ_CHECK(good == (why == NULL));
    FUZZ_CHECK(request.num_segments <= VAULT_SEGMENTS_MAX && request.num_parameters <= VAULT_PARAMETERS_MAX);
    FUZZ_CHECK(good || (request.num_segments == 0 && request.num_parameters == 0));
    for (size_t i = 0; i < request.num_segments; i++) {
        const char *segment = request.segments[i];
        check_text(segment, storage, storage + size);
        FUZZ_CHECK(*segment != '\0' && strchr(segment, '/') == NULL);
        FUZZ_CHECK(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
    }
    for (size_t i = 0; i < request.num_parameters; i++) {
        check_text(request.parameters[i].name, storage, storage + size);
        check_text(request.parameters[i].value, storage, storage + size);
    }
    free(storage);
}

static void try_host(struct kq_slice in)
{
    char host[VAULT_HOST_SIZE];
    uint16_t port = 0;
    if (vault_http_host_parse(in, host, &port) != KQ_OK)
        return;
    FUZZ_CHECK(port != 0 && *host != '\0' && strlen(host) <= in.len);
    FUZZ_CHECK(strpbrk(host, " /@,%\\?#ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kq_slice in = kq_slice_of(data, size);
    try_target(in);
    try_host(in);
    return 0;
}
