/* A stream cut into frames, on the module protocol and on the control channel. */
#include "fuzz.h"
#include "wire/control.h"
#include "wire/messages.h"

typedef kq_status split_function(struct kq_slice in, struct kq_slice *out_frame, size_t *out_taken);

static void split_all(struct kq_slice in, split_function *split)
{
    for (;;) {
        struct kq_slice frame = KQ_SLICE_EMPTY;
        size_t taken = 0;
        if (split(in, &frame, &taken) != KQ_OK || taken == 0)
            return;
        FUZZ_CHECK(taken <= in.len && frame.len + KQ_FRAME_HEAD_LEN == taken);
        struct kq_request request;
        struct kq_control control;
        kq_ignore(kq_request_get(frame, &request, NULL), "any outcome is fine");
        kq_ignore(kq_control_get(frame, &control, NULL), "any outcome is fine");
        in = kq_slice_of(in.data + taken, in.len - taken);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    split_all(kq_slice_of(data, size), kq_frame_split);
    split_all(kq_slice_of(data, size), kq_control_split);
    return 0;
}
