/*
 * Does this machine execute what is in its memory? One thread changes the target of a jump that another one executes all the
 * time, and waits until the other must have seen it. On a processor nothing else can happen.
 *
 * QEMU 7.2 fails within seconds if it emulates several processors at once: it keeps the translation of code that another
 * processor changed while it was being translated. Node changes jumps in this very way while WebAssembly (the catalog's SQLite)
 * is compiled anew in the background.
 *
 * usage: stale_code SECONDS
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { TARGETS = 2, FIRST_TARGET = 1024, TARGET_BYTES = 64, CALLS = 20000, CHANGING = -1 };
/* Seconds after which a processor has long seen the change. */
static const double PATIENCE = 0.2;

static unsigned char *jump;
static _Atomic int target = CHANGING;
static _Atomic long executions;
static _Atomic int stopped;
static _Atomic int found;
static long patches;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* As V8 does it: the first byte as it was, then the distance, which is aligned and so changes as a whole. */
static void jump_to(int number, unsigned char *page) {
  *(volatile unsigned char *)jump = 0xE9;
  *(volatile int32_t *)(jump + 1) = (int32_t)(page + FIRST_TARGET + TARGET_BYTES * number - (jump + 5));
}

static void *execute(void *argument) {
  int (*function)(void) = (int (*)(void))jump;
  while (!stopped) {
    int wanted = target;
    double start = now();
    for (int call = 0; call < CALLS; call++) function();
    while (wanted != CHANGING && function() != wanted && target == wanted && !found) found = now() - start > PATIENCE;
    executions++;
  }
  return argument;
}

int main(int count, char **words) {
  double end = now() + (count > 1 ? atof(words[1]) : 3);
  unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return perror("mmap"), 2;
  jump = page + 3;
  for (int number = 0; number < TARGETS; number++) {
    unsigned char *code = page + FIRST_TARGET + TARGET_BYTES * number;
    code[0] = 0xB8; /* mov eax, number */
    memcpy(code + 1, &number, sizeof number);
    code[5] = 0xC3; /* ret */
  }
  jump_to(0, page);
  pthread_t thread;
  if (pthread_create(&thread, NULL, execute, NULL) != 0) return 2;
  for (int next = 1; !found && now() < end; next = (next + 1) % TARGETS) {
    target = CHANGING;
    jump_to(next, page);
    target = next;
    patches++;
    for (long seen = executions; executions < seen + 2 && !found && now() < end;) sched_yield();
  }
  stopped = 1;
  pthread_join(thread, NULL);
  printf("%-7s code that another processor changed: %ld changes, %ld looks\n", found ? "FAILED" : "ok", patches,
         (long)executions);
  return found != 0;
}
