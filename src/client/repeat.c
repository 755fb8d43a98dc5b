#include "client/repeat.h"

#include "base/size.h"

static const struct {
    enum kq_op op;
    enum kqc_repeat repeat;
} rules[] = {
    {KQ_OP_HELLO, KQC_REPEAT_READ},
    {KQ_OP_STATUS, KQC_REPEAT_READ},
    {KQ_OP_AUTH_BEGIN, KQC_REPEAT_READ},
    {KQ_OP_AUTH_CARD, KQC_REPEAT_BOUND},
    {KQ_OP_AUTH_CANCEL, KQC_REPEAT_BOUND},
    {KQ_OP_CARD_CHECK, KQC_REPEAT_READ},
    {KQ_OP_WORLD_CREATE_BEGIN, KQC_REPEAT_READ},
    {KQ_OP_WORLD_CREATE_CARD, KQC_REPEAT_BOUND},
    {KQ_OP_TRUST_LIST, KQC_REPEAT_READ},
    {KQ_OP_KEY_LOAD, KQC_REPEAT_READ},
    {KQ_OP_KEY_UNLOAD, KQC_REPEAT_BOUND},
    {KQ_OP_KEY_ACL, KQC_REPEAT_BOUND},
    {KQ_OP_HANDLE_LIST, KQC_REPEAT_BOUND},
    {KQ_OP_SIGN, KQC_REPEAT_USE},
    {KQ_OP_ENCRYPT, KQC_REPEAT_USE},
    {KQ_OP_DECRYPT, KQC_REPEAT_USE},
    {KQ_OP_AUDIT_HEAD, KQC_REPEAT_READ},
};

enum kqc_repeat kqc_repeat_of(enum kq_op op)
{
    for (size_t i = 0; i < KQ_COUNT_OF(rules); i++) {
        if (rules[i].op == op)
            return rules[i].repeat;
    }
    return KQC_REPEAT_ACT;
}
