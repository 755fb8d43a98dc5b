#include "vault/auth/device.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "pubcrypto/hash.h"
#include "vault/auth/cache.h"

#define USER_LETTERS 8u
#define LETTERS "BCDFGHJKLMNPQRSTVWXZ" /* no vowels, so no words; none looks like a digit */
#define NUM_LETTERS (sizeof LETTERS - 1)
#define BLAME_SETS 256u     /* 2048 addresses */
#define EXPIRED_KEPT_S 300u /* so that a device hears that its code has ended */

enum device_state { DEVICE_FREE = 0, DEVICE_PENDING, DEVICE_APPROVED, DEVICE_DENIED };

struct device {
    enum device_state state;
    struct vault_device_wish wish;
    uint8_t code_hash[32];
    char user_code[USER_LETTERS + 1];
    char object_id[37];
    uint64_t ends;
    uint64_t next_poll;
    uint64_t interval_s;
    unsigned num_tries;
};

struct blame {
    uint64_t ends;
    unsigned num;
};

struct vault_device_table {
    pthread_mutex_t lock;
    struct device devices[VAULT_DEVICES_MAX];
    struct vault_cache *blames; /* owned; struct blame by SHA-256 of the address */
};

kq_status vault_device_table_new(struct vault_device_table **out)
{
    struct vault_device_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return KQ_ERR_MEMORY;
    kq_status status = vault_cache_new(BLAME_SETS, sizeof(struct blame), &table->blames);
    if (status == KQ_OK && pthread_mutex_init(&table->lock, NULL) != 0)
        status = KQ_ERR_MEMORY;
    if (status != KQ_OK) {
        vault_cache_free(table->blames);
        free(table);
        return status;
    }
    *out = table;
    return KQ_OK;
}

void vault_device_table_free(struct vault_device_table *table)
{
    if (table == NULL)
        return;
    vault_cache_free(table->blames);
    pthread_mutex_destroy(&table->lock);
    kq_wipe(table, sizeof *table);
    free(table);
}

/* ---- codes ------------------------------------------------------------------------------- */

/* Letters without a bias: bytes from the last, broken run of the alphabet are thrown away. */
static kq_status make_user_code(char out[USER_LETTERS + 1])
{
    size_t len = 0;
    while (len < USER_LETTERS) {
        uint8_t byte = 0;
        KQ_TRY(kq_random(&byte, 1));
        if (byte < 256u / NUM_LETTERS * NUM_LETTERS)
            out[len++] = LETTERS[byte % NUM_LETTERS];
    }
    out[len] = '\0';
    return KQ_OK;
}

/* As it was made, from what a person has typed; false for what cannot be a code. */
static bool read_user_code(const char *typed, char out[USER_LETTERS + 1])
{
    size_t len = 0;
    for (; *typed != '\0'; typed++) {
        char letter = *typed >= 'a' && *typed <= 'z' ? (char)(*typed - 'a' + 'A') : *typed;
        if (letter == '-' || letter == ' ')
            continue;
        if (len == USER_LETTERS || strchr(LETTERS, letter) == NULL)
            return false;
        out[len++] = letter;
    }
    out[len] = '\0';
    return len == USER_LETTERS;
}

static kq_status make_device_code(char out[VAULT_DEVICE_CODE_SIZE], uint8_t out_hash[32])
{
    uint8_t bytes[32];
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, VAULT_DEVICE_CODE_SIZE);
    KQ_TRY(kq_random(bytes, sizeof bytes));
    kq_status status = kq_base64url_encode(kq_slice_of(bytes, sizeof bytes), &text);
    kq_wipe(bytes, sizeof bytes);
    KQ_TRY(status);
    kq_sha256(kq_buffer_slice(&text), out_hash);
    return kq_text_copy(kq_buffer_slice(&text), out, VAULT_DEVICE_CODE_SIZE) ? KQ_OK : KQ_ERR_INTERNAL;
}

/* ---- places (under the lock) ----------------------------------------------------------------- */

static struct device *find_free(struct vault_device_table *table, const char *address, uint64_t now)
{
    struct device *found = NULL;
    size_t num_of_address = 0;
    for (size_t i = 0; i < VAULT_DEVICES_MAX; i++) {
        struct device *device = &table->devices[i];
        if (device->state != DEVICE_FREE && device->ends + EXPIRED_KEPT_S <= now)
            kq_wipe(device, sizeof *device);
        if (device->state == DEVICE_FREE)
            found = found == NULL ? device : found;
        else if (device->ends > now && strcmp(device->wish.address, address) == 0)
            num_of_address++;
    }
    return num_of_address < VAULT_DEVICES_OF_ADDRESS_MAX ? found : NULL;
}

static struct device *find_user_code(struct vault_device_table *table, const char *typed, uint64_t now)
{
    char code[USER_LETTERS + 1];
    if (!read_user_code(typed, code))
        return NULL;
    for (size_t i = 0; i < VAULT_DEVICES_MAX; i++) {
        struct device *device = &table->devices[i];
        if (device->state == DEVICE_PENDING && device->ends > now && strcmp(device->user_code, code) == 0)
            return device;
    }
    return NULL;
}

static struct device *find_device_code(struct vault_device_table *table, const char *code)
{
    uint8_t hash[32];
    kq_sha256(kq_slice_text(code), hash);
    for (size_t i = 0; i < VAULT_DEVICES_MAX; i++) {
        struct device *device = &table->devices[i];
        if (device->state != DEVICE_FREE && memcmp(device->code_hash, hash, sizeof hash) == 0)
            return device;
    }
    return NULL;
}

/* ---- the acts -------------------------------------------------------------------------------- */

kq_status vault_device_begin(struct vault_device_table *table, const struct vault_device_wish *wish, uint64_t now,
                             char out_device_code[VAULT_DEVICE_CODE_SIZE], char out_user_code[VAULT_USER_CODE_SIZE])
{
    struct device made = {.state = DEVICE_PENDING,
                          .wish = *wish,
                          .ends = now + VAULT_DEVICE_LIFE_S,
                          .next_poll = now,
                          .interval_s = VAULT_DEVICE_INTERVAL_S};
    KQ_TRY(make_device_code(out_device_code, made.code_hash));
    KQ_TRY(make_user_code(made.user_code));
    pthread_mutex_lock(&table->lock);
    struct device *place = find_free(table, wish->address, now);
    /* 1 in 25 * 10^9 / 1024 or less: the device asks again. */
    if (place != NULL && find_user_code(table, made.user_code, now) != NULL)
        place = NULL;
    if (place != NULL)
        *place = made;
    pthread_mutex_unlock(&table->lock);
    snprintf(out_user_code, VAULT_USER_CODE_SIZE, "%.4s-%.4s", made.user_code, made.user_code + 4);
    return place == NULL ? KQ_ERR_WAIT : KQ_OK;
}

kq_status vault_device_look(struct vault_device_table *table, const char *user_code, uint64_t now,
                            struct vault_device_wish *out)
{
    pthread_mutex_lock(&table->lock);
    const struct device *device = find_user_code(table, user_code, now);
    if (device != NULL)
        *out = device->wish;
    pthread_mutex_unlock(&table->lock);
    return device == NULL ? KQ_ERR_NOT_FOUND : KQ_OK;
}

void vault_device_count_try(struct vault_device_table *table, const char *user_code, uint64_t now)
{
    pthread_mutex_lock(&table->lock);
    struct device *device = find_user_code(table, user_code, now);
    if (device != NULL && ++device->num_tries >= VAULT_DEVICE_TRIES_MAX)
        device->state = DEVICE_DENIED;
    pthread_mutex_unlock(&table->lock);
}

kq_status vault_device_decide(struct vault_device_table *table, const char *user_code, const char *object_id,
                              uint64_t now)
{
    pthread_mutex_lock(&table->lock);
    struct device *device = find_user_code(table, user_code, now);
    if (device != NULL) {
        device->state = object_id == NULL ? DEVICE_DENIED : DEVICE_APPROVED;
        snprintf(device->object_id, sizeof device->object_id, "%s", object_id == NULL ? "" : object_id);
    }
    pthread_mutex_unlock(&table->lock);
    return device == NULL ? KQ_ERR_NOT_FOUND : KQ_OK;
}

static kq_status poll_pending(struct device *device, uint64_t now)
{
    /* A second less: clients round, and the network is not even. */
    bool is_too_soon = now + 1 < device->next_poll;
    if (is_too_soon)
        device->interval_s += VAULT_DEVICE_INTERVAL_S;
    device->next_poll = now + device->interval_s;
    return is_too_soon ? KQ_ERR_WAIT : KQ_ERR_STATE;
}

static kq_status poll_decided(struct device *device, struct vault_device_wish *out, char out_object_id[37])
{
    kq_status status = device->state == DEVICE_APPROVED ? KQ_OK : KQ_ERR_CANCELLED;
    *out = device->wish;
    memcpy(out_object_id, device->object_id, sizeof device->object_id);
    kq_wipe(device, sizeof *device);
    return status;
}

kq_status vault_device_poll(struct vault_device_table *table, const char *device_code, const char *client_id,
                            uint64_t now, struct vault_device_wish *out, char out_object_id[37])
{
    kq_status status = KQ_ERR_NOT_FOUND;
    pthread_mutex_lock(&table->lock);
    struct device *device = find_device_code(table, device_code);
    if (device == NULL || strcasecmp(device->wish.client_id, client_id) != 0)
        status = KQ_ERR_NOT_FOUND;
    else if (device->ends <= now)
        status = KQ_ERR_EXPIRED;
    else if (device->state == DEVICE_PENDING)
        status = poll_pending(device, now);
    else
        status = poll_decided(device, out, out_object_id);
    pthread_mutex_unlock(&table->lock);
    return status;
}

/* ---- who guesses ----------------------------------------------------------------------------- */

static struct blame blame_of(struct vault_device_table *table, const char *address, uint64_t now, uint8_t hash[32])
{
    struct blame blame = {.num = 0};
    kq_sha256(kq_slice_text(address), hash);
    if (!vault_cache_get(table->blames, hash, now, &blame))
        blame = (struct blame){.ends = now + VAULT_DEVICE_BLAME_S, .num = 0};
    return blame;
}

bool vault_device_may_try(struct vault_device_table *table, const char *address, uint64_t now)
{
    uint8_t hash[32];
    return blame_of(table, address, now, hash).num < VAULT_DEVICE_FAULTS_MAX;
}

void vault_device_blame(struct vault_device_table *table, const char *address, uint64_t now)
{
    uint8_t hash[32];
    pthread_mutex_lock(&table->lock);
    struct blame blame = blame_of(table, address, now, hash);
    blame.num++;
    vault_cache_put(table->blames, hash, blame.ends, &blame);
    pthread_mutex_unlock(&table->lock);
}
