/* The configuration file: what is taken can be written and is read back the same; what is not says why. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "vault/config.h"

static kq_status read_bytes(struct kq_slice text, struct vault_config *config, char error[400])
{
    char path[64];
    int fd = memfd_create("config", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    vault_config_defaults(config);
    kq_status status = vault_config_read(path, config, error, 400);
    close(fd);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vault_config config, again;
    char error[400] = "";
    KQ_AUTO_VALUE(kq_buffer) first = {0}, second = {0};
    if (read_bytes(kq_slice_of(data, size), &config, error) != KQ_OK) {
        FUZZ_CHECK(error[0] != '\0' && memchr(error, '\0', sizeof error) != NULL);
        return 0;
    }
    FUZZ_CHECK(config.num_listen <= VAULT_LISTEN_MAX && config.max_body >= 4096 && config.loaded_keys <= 1000);
    kq_buffer_init(&first, 65536);
    kq_buffer_init(&second, 65536);
    FUZZ_CHECK(vault_config_write(&config, &first) == KQ_OK);
    FUZZ_CHECK(read_bytes(kq_buffer_slice(&first), &again, error) == KQ_OK);
    FUZZ_CHECK(vault_config_write(&again, &second) == KQ_OK);
    FUZZ_CHECK(kq_slice_is_equal(kq_buffer_slice(&first), kq_buffer_slice(&second)));
    return 0;
}
