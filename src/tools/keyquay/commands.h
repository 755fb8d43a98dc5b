#ifndef KQ_TOOLS_KEYQUAY_COMMANDS_H
#define KQ_TOOLS_KEYQUAY_COMMANDS_H

/* The commands of the umbrella that live beside it. Each is called like a
 * main(): argv[0] is the command's name; the result is the exit status. */
int kq_cmd_hsm(int argc, char **argv);
int kq_cmd_enrol(int argc, char **argv);
int kq_cmd_receipt(int argc, char **argv);
int kq_cmd_bench(int argc, char **argv);

#endif
