#ifndef TERMINAL_ORACLE_H
#define TERMINAL_ORACLE_H
/*
 * terminal_oracle.h - a program in a pseudo-terminal, seen as libvterm understands it.
 *
 * The program brackets each frame with synchronized output (CSI ?2026 h and l), so the
 * oracle looks only at whole frames, and never has to sleep until "it is probably done".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>
#include <vterm.h>

enum { ORACLE_PATIENCE_MS = 20000 };

struct oracle {
	pid_t pid; /* 0: has been waited for */
	int master;
	int status; /* as from waitpid */
	int rows, columns;
	VTerm *terminal;
	VTermScreen *screen;
	bool in_frame;  /* between ?2026h and ?2026l */
	unsigned frames; /* whole ones */
	bool altscreen, cursor_seen;
	char tail[16]; /* the last bytes, to find marks that are cut by a read */
	char *raw;     /* everything it wrote outside of the alternate screen; owned */
	size_t raw_length;
	struct termios before;
};

/* Starts argv in a terminal of that size. `environment`: "NAME=value", or "NAME" to take it
 * away, up to NULL. `job`: under a small shell that reports stops, and goes on at "fg". */
void oracle_start(struct oracle *oracle, int rows, int columns, char *const *argv,
                  const char *const *environment, bool job);
/* Ends it, however it is. */
void oracle_stop(struct oracle *oracle);

void oracle_type(struct oracle *oracle, const char *keys);
void oracle_resize(struct oracle *oracle, int rows, int columns);

/* Waits until a whole frame contains the text (or does not any more), or the program has
 * ended. False: patience is over. */
bool oracle_wait(struct oracle *oracle, const char *text);
bool oracle_wait_gone(struct oracle *oracle, const char *text);
/* Waits until what it wrote outside of the alternate screen contains the text. */
bool oracle_wait_raw(struct oracle *oracle, const char *text);
/* Waits for its end; the status, or -1 when patience is over. */
int oracle_wait_end(struct oracle *oracle);
/* Takes in what there is, for at most that long, or until another frame is whole. */
bool oracle_pump(struct oracle *oracle, int timeout_ms);

/* The screen as text: rows without trailing blanks, a newline after each. malloc'ed. */
char *oracle_text(struct oracle *oracle);
/* One row of it. */
char *oracle_row(struct oracle *oracle, int row);
bool oracle_contains(struct oracle *oracle, const char *text);
/* How the first cell of that text is drawn in a row: a number that is the same for the same colours. */
uint32_t oracle_colours(struct oracle *oracle, int row, const char *text);
/* Whether any cell has a colour of its own. */
bool oracle_coloured(struct oracle *oracle);
/* The terminal is as it was before. */
bool oracle_restored(struct oracle *oracle);

#endif
