/*
 * switch_x86_64.S - from one stack to another.
 *
 *     coro_value coro__switch(void **save_sp, void *sp, coro_value value);
 *                             rdi            rsi       rdx, rcx -> rax, rdx
 *
 * Saves the registers that a function must preserve, swaps the stacks, restores. The layout
 * of what it saves stands in context.h.
 *
 * It does not end in `ret`: the processor predicts that a `ret` goes back to the last `call`,
 * which is on the other stack. An indirect jump is predicted by where it went last, and a
 * generator's two sides take turns; that is 10 ns less.
 *
 * The call frame information is right at every instruction. The swap needs none, since both
 * stacks have the same layout there.
 */
#if defined(__CET__)
#include <cet.h>
#else
#define _CET_ENDBR endbr64
#endif

/* What stands at the saved stack pointer. */
	.macro SAVE_REGISTERS
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
	.endm

	.text
	.globl	coro__switch
	.type	coro__switch, @function
	.p2align 4
coro__switch:
	.cfi_startproc
	_CET_ENDBR
	SAVE_REGISTERS

.Lout:
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	.globl	coro__switch_resume
	.hidden	coro__switch_resume
coro__switch_resume:
	movq	%rdx, %rax
	movq	%rcx, %rdx

	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	jmp	*%rcx
	.cfi_endproc
	.size	coro__switch, .-coro__switch

/*
 * coro__switch, of a body whose stack is wanted: tells coro__rests(from, sp) once the registers are
 * saved, and leaves a stack that cannot be told from what coro__switch leaves.
 *
 *     coro_value coro__switch_kept(void **save_sp, void *sp, coro_value value,
 *                                  struct coro_generator *from);
 */
	.globl	coro__switch_kept
	.hidden	coro__switch_kept
	.type	coro__switch_kept, @function
	.p2align 4
coro__switch_kept:
	.cfi_startproc
	_CET_ENDBR
	SAVE_REGISTERS
	movq	%rdi, %rbx
	movq	%rsi, %rbp
	movq	%rdx, %r12
	movq	%rcx, %r13
	movq	%r8, %rdi
	movq	%rsp, %rsi
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	coro__rests
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	movq	%rbx, %rdi
	movq	%rbp, %rsi
	movq	%r12, %rdx
	movq	%r13, %rcx
	jmp	.Lout
	.cfi_endproc
	.size	coro__switch_kept, .-coro__switch_kept

/*
 * The bottom of every body's stack: r12 is the body, rax and rdx are what the first resume
 * brought. It has no caller, and says so to whoever walks the stack. The nop stands for
 * the call that a return address follows.
 */
	.globl	coro__trampoline
	.hidden	coro__trampoline
	.type	coro__trampoline, @function
	.p2align 4
coro__trampoline:
	.cfi_startproc
	.cfi_undefined rip
	.cfi_undefined rbp
	nop
	_CET_ENDBR
	movq	%r12, %rdi
	movq	%rax, %rsi
	xorl	%ebp, %ebp
	call	coro__body_main
	ud2
	.cfi_endproc
	.size	coro__trampoline, .-coro__trampoline

	.section .note.GNU-stack, "", @progbits
