#include <openssl/rand.h>

#include "base/ct.h"
#include "base/random.h"
#include "base/wipe.h"
#include "module/privcrypto/openssl.h"
#include "module/privcrypto/seal.h"

/* Two generators, so that a failure of either still leaves the other; each is
 * drawn in blocks, and a block that repeats its predecessor stops the module
 * (continuous test, FIPS 140-2 4.9.2). The first block of a call is only
 * compared with, never given out. */
#define BLOCK_LEN 32u

typedef bool draw_block(uint8_t block[BLOCK_LEN]);

static bool draw_openssl(uint8_t block[BLOCK_LEN])
{
    return RAND_priv_bytes(block, BLOCK_LEN) == 1;
}

static bool draw_kernel(uint8_t block[BLOCK_LEN])
{
    return kq_random(block, BLOCK_LEN) == KQ_OK;
}

struct source {
    draw_block *draw;
    uint8_t last[BLOCK_LEN];
};

static void draw_tested(struct source *source, uint8_t block[BLOCK_LEN])
{
    if (!source->draw(block))
        KQ_BUG("a random generator failed");
    if (kq_ct_bytes_are_equal(source->last, block, BLOCK_LEN))
        KQ_BUG("a random generator repeats itself");
    memcpy(source->last, block, BLOCK_LEN);
}

void hsm_random(void *out, size_t len)
{
    struct source sources[2] = {{.draw = draw_openssl}, {.draw = draw_kernel}};
    uint8_t block[2][BLOCK_LEN];
    uint8_t *at = out;
    draw_tested(&sources[0], block[0]);
    draw_tested(&sources[1], block[1]);
    while (len > 0) {
        size_t take = len < BLOCK_LEN ? len : BLOCK_LEN;
        draw_tested(&sources[0], block[0]);
        draw_tested(&sources[1], block[1]);
        for (size_t i = 0; i < take; i++)
            at[i] = block[0][i] ^ block[1][i];
        at += take;
        len -= take;
    }
    kq_wipe(block, sizeof block);
    kq_wipe(sources, sizeof sources);
}
