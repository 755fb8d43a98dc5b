#include "wire/join.h"

KQ_RECORD_DEFINE(kq_join_request, "keyquay/join-request", 1, KQ_JOIN_REQUEST_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_join_request_file, "keyquay/join-request-file", 1, KQ_JOIN_REQUEST_FILE_FIELDS, KQ_PACKAGE_MAX);
KQ_RECORD_DEFINE(kq_join_admission, "keyquay/join-admission", 1, KQ_JOIN_ADMISSION_FIELDS, KQ_SIGNED_MAX);
KQ_RECORD_DEFINE(kq_join_admission_file, "keyquay/join-admission-file", 1, KQ_JOIN_ADMISSION_FILE_FIELDS,
                 KQ_PACKAGE_MAX);
