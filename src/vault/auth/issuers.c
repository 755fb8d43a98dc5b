#include "vault/auth/issuers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct vault_issuers {
    pthread_mutex_t lock;
    struct vault_issuer_set *set; /* one loan of it is ours */
};

static void give_back(struct vault_issuer_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->num_loans, 1) != 1)
        return;
    for (size_t i = 0; i < set->num; i++)
        kqw_issuer_clear(&set->list[i]);
    free(set);
}

kq_status vault_issuers_new(struct vault_issuers **out)
{
    KQ_AUTO(vault_issuers) issuers = calloc(1, sizeof *issuers);
    if (issuers == NULL)
        return KQ_ERR_MEMORY;
    pthread_mutex_init(&issuers->lock, NULL);
    issuers->set = calloc(1, sizeof *issuers->set);
    if (issuers->set == NULL)
        return KQ_ERR_MEMORY;
    atomic_store(&issuers->set->num_loans, 1);
    *out = KQ_TAKE(issuers);
    return KQ_OK;
}

void vault_issuers_free(struct vault_issuers *issuers)
{
    if (issuers == NULL)
        return;
    give_back(issuers->set);
    pthread_mutex_destroy(&issuers->lock);
    free(issuers);
}

kq_status vault_issuers_replace(struct vault_issuers *issuers, struct kqw_issuer *list, size_t num)
{
    if (num > KQW_ISSUERS_MAX)
        return KQ_ERR_ARGUMENT;
    struct vault_issuer_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return KQ_ERR_MEMORY;
    atomic_store(&set->num_loans, 1);
    set->num = num;
    for (size_t i = 0; i < num; i++) {
        set->list[i] = list[i];
        list[i] = (struct kqw_issuer){.keys = NULL};
    }
    pthread_mutex_lock(&issuers->lock);
    struct vault_issuer_set *former = issuers->set;
    set->generation = former->generation + 1;
    issuers->set = set;
    pthread_mutex_unlock(&issuers->lock);
    give_back(former);
    return KQ_OK;
}

struct vault_issuer_loan vault_issuers_borrow(struct vault_issuers *issuers)
{
    pthread_mutex_lock(&issuers->lock);
    struct vault_issuer_loan loan = {issuers->set};
    atomic_fetch_add(&loan.set->num_loans, 1);
    pthread_mutex_unlock(&issuers->lock);
    return loan;
}

void vault_issuer_loan_clear(struct vault_issuer_loan *loan)
{
    give_back(loan->set);
    loan->set = NULL;
}

const struct kqw_issuer *vault_issuer_set_find(const struct vault_issuer_set *set, const char *url)
{
    for (size_t i = 0; i < set->num; i++)
        if (strcmp(set->list[i].url, url) == 0)
            return &set->list[i];
    return NULL;
}

void vault_issuer_set_note_unknown_key(struct vault_issuer_set *set, const struct kqw_issuer *issuer)
{
    atomic_fetch_add(&set->num_unknown_keys[issuer - set->list], 1);
}

uint64_t vault_issuers_take_unknown_keys(struct vault_issuers *issuers, char *out_name, size_t size)
{
    KQ_AUTO_VALUE(vault_issuer_loan) loan = vault_issuers_borrow(issuers);
    for (size_t i = 0; i < loan.set->num; i++) {
        uint64_t number = atomic_exchange(&loan.set->num_unknown_keys[i], 0);
        if (number > 0 && kq_text_copy(kq_slice_text(loan.set->list[i].name), out_name, size))
            return number;
    }
    return 0;
}
