/* Between Rust and libiscsi: plain arguments on one side, libiscsi's own structures on the other.
 *
 * Built by scripts/debian-tree against the headers of the very library that it is linked with. One context is used by one thread
 * at a time. */
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <stdio.h>
#include <string.h>

/* What a command gave. `sense` and `sense_length` are as the target sent them. */
struct ferrite_answer {
  int status;
  long long residual; /* < 0: more than was asked for */
  unsigned sense_length;
  unsigned char sense[252];
};

enum direction { NONE = 0, IN = 1, OUT = 2 };

/* Logs in. NULL with a text in `error` if that fails. */
struct iscsi_context *ferrite_iscsi_open(const char *initiator, const char *portal, const char *target, int timeout_s,
                                         char *error, size_t error_size) {
  struct iscsi_context *iscsi = iscsi_create_context(initiator);
  if (iscsi == NULL) {
    snprintf(error, error_size, "no memory for a context");
    return NULL;
  }
  iscsi_set_targetname(iscsi, target);
  iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL);
  iscsi_set_header_digest(iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C);
  /* Else a dead target is waited for without end. */
  iscsi_set_noautoreconnect(iscsi, 1);
  iscsi_set_timeout(iscsi, timeout_s);
  /* Not iscsi_full_connect: that reads the unit attention away. */
  if (iscsi_connect_sync(iscsi, portal) != 0 || iscsi_login_sync(iscsi) != 0) {
    snprintf(error, error_size, "%s", iscsi_get_error(iscsi));
    iscsi_destroy_context(iscsi);
    return NULL;
  }
  return iscsi;
}

/* 0: the target answered. Otherwise the command was lost, and the session with it. */
int ferrite_iscsi_execute(struct iscsi_context *iscsi, int lun, const unsigned char *cdb, int cdb_length, int direction,
                          unsigned char *data, int length, int timeout_s, struct ferrite_answer *answer) {
  static const int transfers[] = {SCSI_XFER_NONE, SCSI_XFER_READ, SCSI_XFER_WRITE};
  struct iscsi_data out = {.size = (size_t)length, .data = data};
  unsigned char copy[16] = {0};
  struct scsi_task *task;

  memset(answer, 0, sizeof *answer);
  memcpy(copy, cdb, (size_t)cdb_length);
  task = scsi_create_task(cdb_length, copy, transfers[direction], length);
  if (task == NULL)
    return -1;
  if (direction == IN && scsi_task_add_data_in_buffer(task, length, data) != 0) {
    scsi_free_scsi_task(task);
    return -1;
  }
  iscsi_set_timeout(iscsi, timeout_s);
  if (iscsi_scsi_command_sync(iscsi, lun, task, direction == OUT ? &out : NULL) == NULL || task->status > 0xff ||
      task->status < 0) {
    scsi_free_scsi_task(task);
    return -1;
  }
  answer->status = task->status;
  if (task->residual_status == SCSI_RESIDUAL_UNDERFLOW)
    answer->residual = (long long)task->residual;
  if (task->residual_status == SCSI_RESIDUAL_OVERFLOW)
    answer->residual = -(long long)task->residual;
  /* Sense data lie behind their length of two bytes. */
  if (task->status == SCSI_STATUS_CHECK_CONDITION && task->datain.data != NULL && task->datain.size > 2) {
    size_t sense = (size_t)task->datain.size - 2;
    if (sense > sizeof answer->sense)
      sense = sizeof answer->sense;
    memcpy(answer->sense, task->datain.data + 2, sense);
    answer->sense_length = (unsigned)sense;
  }
  scsi_free_scsi_task(task);
  return 0;
}

void ferrite_iscsi_close(struct iscsi_context *iscsi) {
  iscsi_logout_sync(iscsi);
  iscsi_destroy_context(iscsi);
}
