#include <openssl/crypto.h>

#include "module/arena/arena.h"

static void *take(size_t len, const char *file, int line)
{
    (void)file, (void)line;
    return hsm_arena_new(len);
}

static void *resize(void *data, size_t len, const char *file, int line)
{
    (void)file, (void)line;
    return hsm_arena_resize(data, len);
}

static void give(void *data, const char *file, int line)
{
    (void)file, (void)line;
    hsm_arena_free(data);
}

kq_status hsm_arena_hook_openssl(void)
{
    if (CRYPTO_set_mem_functions(take, resize, give) != 1)
        return KQ_ERR_STATE;
    /* A configuration file, which the environment may name, could load somebody's code as a provider. */
    return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1 ? KQ_OK : KQ_ERR_STATE;
}
