/*
 * frame_x86_64.S - a thread that waits leaves what the switch would have saved of it.
 *
 *     void coro__framed(void (*wait)(struct coro__thread *thread, const void *sp),
 *                       struct coro__thread *thread);
 *
 * Calls wait(thread, sp), where sp points at the registers of the caller in the layout of
 * CORO_FRAME_X86_64_V1 (runtime/context/context.h): so whoever can walk the stack of a body that does
 * not run can walk that of one that waits here.
 */
#if defined(__CET__)
#include <cet.h>
#else
#define _CET_ENDBR endbr64
#endif

	.text
	.globl	coro__framed
	.hidden	coro__framed
	.type	coro__framed, @function
	.p2align 4
coro__framed:
	.cfi_startproc
	_CET_ENDBR
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rsp, %rsi
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	*%rax
	addq	$56, %rsp
	.cfi_adjust_cfa_offset -56
	ret
	.cfi_endproc
	.size	coro__framed, .-coro__framed

	.section .note.GNU-stack, "", @progbits
