/*
 * locals_debug.S - a function whose debug information is written by hand.
 *
 * Each variable has a location that locals_test.c knows the outcome of: every operation, every reason
 * why there is no value, and what contradicts itself.
 */
#define DW_CHILDREN_no  0
#define DW_CHILDREN_yes 1

	.text
	.globl	locals_described, locals_described_middle
	.type	locals_described, @function
locals_described:
	.cfi_startproc
	.rept 16
	nop
	.endr
locals_described_middle:
	.rept 16
	nop
	.endr
	ret
	.cfi_endproc
.Lend:
	.size	locals_described, .-locals_described

	/* Calls, which return to different places. */
	.globl	locals_caller, locals_calls_it, locals_calls_another, locals_calls_through, locals_calls_elsewhere
	.globl	locals_calls_unknown
	.type	locals_caller, @function
locals_caller:
	.cfi_startproc
	nop
locals_calls_it:
	nop
locals_calls_another:
	nop
locals_calls_through:
	nop
locals_calls_elsewhere:
	nop
locals_calls_unknown:
	nop
	ret
	.cfi_endproc
.Lcaller_end:
	.size	locals_caller, .-locals_caller

	.data
	.globl	locals_static
	.p2align 3
locals_static:
	.quad	0x1122334455667788

	.section .debug_abbrev, "", @progbits
.Labbrev:
	.macro ABBREV code, tag, children, pairs:vararg
	.uleb128 \code, \tag
	.byte	\children
	.uleb128 \pairs
	.byte	0, 0
	.endm
	/* attribute, form: name 3, string 8; low_pc 0x11, addr 1; high_pc 0x12, data8 7; byte_size 0xb, data1 0xb;
	 * encoding 0x3e; type 0x49, ref4 0x13; location 2, exprloc 0x18; frame_base 0x40; const_value 0x1c,
	 * sdata 0xd, block1 0xa; declaration 0x3c, flag_present 0x19; sibling 1 */
	ABBREV 1, 0x11, DW_CHILDREN_yes, 0x25, 8, 3, 8, 0x11, 1, 0x12, 7
	ABBREV 2, 0x2e, DW_CHILDREN_yes, 3, 8, 0x11, 1, 0x12, 7, 0x40, 0x18
	ABBREV 3, 0x34, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 2, 0x18
	ABBREV 4, 0x24, DW_CHILDREN_no, 3, 8, 0xb, 0xb, 0x3e, 0xb
	ABBREV 5, 0x34, DW_CHILDREN_no, 3, 8, 0x49, 0x13
	ABBREV 6, 0x34, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x1c, 0xd
	ABBREV 7, 0xf, DW_CHILDREN_no, 0x49, 0x13
	ABBREV 8, 0x34, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x1c, 0xa
	ABBREV 9, 0x13, DW_CHILDREN_yes, 3, 8, 0xb, 0xb
	ABBREV 10, 0xd, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x38, 0xb
	ABBREV 11, 0xd, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x38, 0xb, 0xb, 0xb, 0xd, 0xb, 0xc, 0xb
	ABBREV 12, 0x16, DW_CHILDREN_no, 3, 8, 0x49, 0x13
	ABBREV 13, 0x1, DW_CHILDREN_yes, 0x49, 0x13
	ABBREV 14, 0x21, DW_CHILDREN_no, 0x2f, 0x18
	ABBREV 15, 0x21, DW_CHILDREN_no, 0x2f, 6
	ABBREV 16, 0x1, DW_CHILDREN_yes, 0x49, 0x13, 1, 0x13
	ABBREV 17, 0x34, DW_CHILDREN_no, 0x1c, 0x8, 3, 8, 0x49, 0x13
	ABBREV 18, 0x34, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x1c, 0xb
	ABBREV 19, 0x2e, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x3c, 0x19
	/* return_pc 0x7d, origin 0x7f, target 0x83, value 0x7e, parameter 0x80 */
	ABBREV 20, 0x48, DW_CHILDREN_yes, 0x7d, 1, 0x7f, 0x13
	ABBREV 21, 0x48, DW_CHILDREN_yes, 0x7d, 1, 0x83, 0x18
	ABBREV 22, 0x49, DW_CHILDREN_no, 2, 0x18, 0x7e, 0x18
	ABBREV 23, 0x49, DW_CHILDREN_no, 0x80, 0x13, 0x7e, 0x18
	ABBREV 24, 0x49, DW_CHILDREN_no, 2, 0x18
	ABBREV 25, 0x10, DW_CHILDREN_no, 0x49, 0x13
	ABBREV 26, 0x26, DW_CHILDREN_no, 0x49, 0x13
	.uleb128 27, 0x26
	.byte	DW_CHILDREN_no, 0, 0
	ABBREV 28, 0x2, DW_CHILDREN_yes, 3, 8, 0xb, 0xb
	ABBREV 29, 0x1c, DW_CHILDREN_no, 0x49, 0x13, 0x38, 0xb
	ABBREV 30, 0xd, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x38, 0x18
	ABBREV 32, 0x34, DW_CHILDREN_no, 3, 8, 0x49, 0x13, 0x1c, 0xb, 0x3f, 0x19
	ABBREV 31, 0x42, DW_CHILDREN_no, 0x49, 0x13
	.byte	0

	.macro VARIABLE name, type, expression:vararg
	.uleb128 3
	.asciz	"\name"
	.4byte	\type - .Lunit
	.uleb128 .Lafter\@ - .Lbefore\@
.Lbefore\@:
	.byte	\expression
.Lafter\@:
	.endm
	/* In the middle of the expression an address. */
	.macro ADDRESS name, type, address, tail:vararg
	.uleb128 3
	.asciz	"\name"
	.4byte	\type - .Lunit
	.uleb128 .Lafter\@ - .Lbefore\@
.Lbefore\@:
	.byte	0x03
	.quad	\address
	.byte	\tail
.Lafter\@:
	.endm
	/* In front of it the offset of another entry: op, 4 bytes, ... */
	.macro ENTRY name, type, op, entry, tail:vararg
	.uleb128 3
	.asciz	"\name"
	.4byte	\type - .Lunit
	.uleb128 .Lafter\@ - .Lbefore\@
.Lbefore\@:
	.byte	\op
	.4byte	\entry
	.byte	\tail
.Lafter\@:
	.endm
	.macro BASE name, size, encoding
	.uleb128 4
	.asciz	"\name"
	.byte	\size, \encoding
	.endm

	.section .debug_info, "", @progbits
.Lunit:
	.4byte	.Lunit_end - .Lversion
.Lversion:
	.2byte	4
	.4byte	.Labbrev
	.byte	8
	.uleb128 1
	.asciz	"by hand"
	.asciz	"by_hand.c"
	.quad	locals_described
	.quad	.Lcaller_end - locals_described

.Lint:	BASE "int", 4, 5
.Llong:	BASE "long", 8, 5
.Lunsigned: BASE "unsigned", 4, 7
.Lulong: BASE "unsigned long", 8, 7
.Lchar:	BASE "char", 1, 6
.Lbyte:	BASE "unsigned char", 1, 8
.Lfloat: BASE "float", 4, 4
.Ldouble: BASE "double", 8, 4
.Lquad: BASE "__float128", 16, 4
.Lbool:	BASE "_Bool", 1, 2
.Lodd:	BASE "decimal", 4, 15
.Lpointer:
	.uleb128 7
	.4byte	.Lint - .Lunit
.Lchar_pointer:
	.uleb128 7
	.4byte	.Lchar - .Lunit
.Lpair:
	.uleb128 9
	.asciz	"pair"
	.byte	16
	.uleb128 10
	.asciz	"first"
	.4byte	.Llong - .Lunit
	.byte	0
	.uleb128 10
	.asciz	"second"
	.4byte	.Llong - .Lunit
	.byte	8
	.byte	0
	/* Bit-fields as before DWARF 4: byte size, bit size, bits from the most significant one. */
.Lbits:
	.uleb128 9
	.asciz	"bits"
	.byte	4
	.uleb128 11
	.asciz	"low"
	.4byte	.Lunsigned - .Lunit
	.byte	0, 4, 3, 29
	.uleb128 11
	.asciz	"middle"
	.4byte	.Lint - .Lunit
	.byte	0, 4, 7, 22
	.uleb128 11
	.asciz	"beyond"
	.4byte	.Lint - .Lunit
	.byte	0, 4, 30, 22
	.byte	0
	/* A typedef of itself, a structure within itself, an array whose bound is computed without end. */
.Lcircle:
	.uleb128 12
	.asciz	"circle"
	.4byte	.Lcircle - .Lunit
.Lwithin:
	.uleb128 9
	.asciz	"within"
	.byte	8
	.uleb128 10
	.asciz	"again"
	.4byte	.Lwithin - .Lunit
	.byte	0
	.uleb128 10
	.asciz	"once_more"
	.4byte	.Lwithin - .Lunit
	.byte	0
	.byte	0
.Lendless_bound:
	.uleb128 13
	.4byte	.Lint - .Lunit
	.uleb128 14
	.uleb128 3
	.byte	0x2f
	.2byte	-3
	.byte	0
.Lhuge:
	.uleb128 13
	.4byte	.Lint - .Lunit
	.uleb128 15
	.4byte	0x7fffffff
	.uleb128 15
	.4byte	0x7fffffff
	.uleb128 15
	.4byte	0x7fffffff
	.byte	0
.Lword_array:
	.uleb128 13
	.4byte	.Lbyte - .Lunit
	.uleb128 15
	.4byte	7
	.byte	0

	/* C++: a class that is made of another, references, a member whose place is computed. */
.Lclass:
	.uleb128 28
	.asciz	"derived"
	.byte	24
	.uleb128 29
	.4byte	.Lpair - .Lunit
	.byte	0
	.uleb128 30
	.asciz	"computed"
	.4byte	.Llong - .Lunit
	.uleb128 2
	.byte	0x23, 16
	.byte	0
.Lreference:
	.uleb128 25
	.4byte	.Lpair - .Lunit
.Lrvalue_reference:
	.uleb128 31
	.4byte	.Lint - .Lunit
.Lconst_void:
	.uleb128 27
.Lpair_pointer:
	.uleb128 7
	.4byte	.Lpair - .Lunit
.Lconst_void_pointer:
	.uleb128 7
	.4byte	.Lconst_void - .Lunit

	/* The caller: rbx has what it passed in rdi, when that is certain. */
	.uleb128 2
	.asciz	"locals_caller"
	.quad	locals_caller
	.quad	.Lcaller_end - locals_caller
	.uleb128 2
	.byte	0x76, 0
	.macro PARAMETERS
	.uleb128 24, 1
	.byte	0x51
	.uleb128 22, 1
	.byte	0x55
	.uleb128 2
	.byte	0x73, 1
	.uleb128 22, 1
	.byte	0x54
	.uleb128 2
	.byte	0x70, 1
	.uleb128 23
	.4byte	.Lformal - .Lunit
	.uleb128 1
	.byte	0x3f
	.byte	0
	.endm
	.uleb128 20
	.quad	locals_calls_it
	.4byte	.Ldescribed - .Lunit
	PARAMETERS
	.uleb128 20
	.quad	locals_calls_another
	.4byte	.Lcaller_itself - .Lunit
	PARAMETERS
	.uleb128 21
	.quad	locals_calls_through
	.uleb128 9
	.byte	3
	.quad	locals_described
	PARAMETERS
	.uleb128 21
	.quad	locals_calls_elsewhere
	.uleb128 9
	.byte	3
	.quad	locals_caller
	PARAMETERS
	.byte	0
.Lcaller_itself:
	.uleb128 19
	.asciz	"another"
	.4byte	.Lint - .Lunit

	/* Two of one name: of a file, and of the whole program. */
	.uleb128 18
	.asciz	"twice"
	.4byte	.Lint - .Lunit
	.byte	1
	.uleb128 32
	.asciz	"twice"
	.4byte	.Lint - .Lunit
	.byte	2
	.uleb128 18
	.asciz	"twice"
	.4byte	.Lint - .Lunit
	.byte	3
	ADDRESS "file_wide", .Llong, locals_static, 0x96

.Ldescribed:
	.uleb128 2
	.asciz	"locals_described"
	.quad	locals_described
	.quad	.Lend - locals_described
	.uleb128 2
	.byte	0x76, 0	/* breg6 0 */

	/* Constants. */
	VARIABLE "literal", .Lint, 0x30 + 7, 0x9f
	VARIABLE "const1u", .Lint, 0x08, 200, 0x9f
	VARIABLE "const1s", .Lint, 0x09, 200, 0x9f
	VARIABLE "const2u", .Lint, 0x0a, 0x00, 0xff, 0x9f
	VARIABLE "const2s", .Lint, 0x0b, 0x00, 0xff, 0x9f
	VARIABLE "const4u", .Llong, 0x0c, 0, 0, 0, 0xff, 0x9f
	VARIABLE "const4s", .Llong, 0x0d, 0, 0, 0, 0xff, 0x9f
	VARIABLE "const8u", .Lulong, 0x0e, 1, 2, 3, 4, 5, 6, 7, 0x88, 0x9f
	VARIABLE "const8s", .Llong, 0x0f, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x9f
	VARIABLE "constu", .Lint, 0x10, 0xe5, 0x8e, 0x26, 0x9f
	VARIABLE "consts", .Lint, 0x11, 0x7f, 0x9f
	/* The stack: 1 2 3 */
	VARIABLE "dup", .Lint, 0x32, 0x12, 0x1e, 0x9f
	VARIABLE "drop", .Lint, 0x31, 0x32, 0x13, 0x9f
	VARIABLE "over", .Lint, 0x31, 0x32, 0x14, 0x9f
	VARIABLE "pick", .Lint, 0x31, 0x32, 0x33, 0x15, 2, 0x9f
	VARIABLE "swap", .Lint, 0x31, 0x32, 0x16, 0x9f
	VARIABLE "rot", .Lint, 0x31, 0x32, 0x33, 0x17, 0x9f
	/* Arithmetic. */
	VARIABLE "abs", .Lint, 0x09, 0xfb, 0x19, 0x9f
	VARIABLE "and", .Lint, 0x3c, 0x3a, 0x1a, 0x9f
	VARIABLE "div", .Lint, 0x09, 0xf7, 0x32, 0x1b, 0x9f
	VARIABLE "div_minus_one", .Lint, 0x37, 0x09, 0xff, 0x1b, 0x9f
	VARIABLE "minus", .Lint, 0x31, 0x32, 0x1c, 0x9f
	VARIABLE "mod", .Lint, 0x37, 0x34, 0x1d, 0x9f
	VARIABLE "mul", .Lint, 0x37, 0x34, 0x1e, 0x9f
	VARIABLE "neg", .Lint, 0x37, 0x1f, 0x9f
	VARIABLE "not", .Lint, 0x37, 0x20, 0x9f
	VARIABLE "or", .Lint, 0x3c, 0x33, 0x21, 0x9f
	VARIABLE "plus", .Lint, 0x37, 0x34, 0x22, 0x9f
	VARIABLE "plus_uconst", .Lint, 0x37, 0x23, 0x80, 1, 0x9f
	VARIABLE "shl", .Lint, 0x31, 0x34, 0x24, 0x9f
	VARIABLE "shl_far", .Lint, 0x31, 0x08, 64, 0x24, 0x9f
	VARIABLE "shr", .Llong, 0x09, 0xff, 0x08, 60, 0x25, 0x9f
	VARIABLE "shr_far", .Llong, 0x09, 0xff, 0x08, 64, 0x25, 0x9f
	VARIABLE "shra", .Lint, 0x09, 0xf0, 0x32, 0x26, 0x9f
	VARIABLE "shra_far", .Lint, 0x09, 0xf0, 0x08, 99, 0x26, 0x9f
	VARIABLE "xor", .Lint, 0x3c, 0x3a, 0x27, 0x9f
	VARIABLE "eq", .Lint, 0x32, 0x32, 0x29, 0x9f
	VARIABLE "ge", .Lint, 0x09, 0xff, 0x32, 0x2a, 0x9f
	VARIABLE "gt", .Lint, 0x33, 0x32, 0x2b, 0x9f
	VARIABLE "le", .Lint, 0x32, 0x32, 0x2c, 0x9f
	VARIABLE "lt", .Lint, 0x09, 0xff, 0x32, 0x2d, 0x9f
	VARIABLE "ne", .Lint, 0x32, 0x32, 0x2e, 0x9f
	/* Jumps: over a drop of the only number; a loop that counts from 5 down. */
	VARIABLE "skip", .Lint, 0x37, 0x2f, 1, 0, 0x13, 0x9f
	VARIABLE "bra_taken", .Lint, 0x37, 0x31, 0x28, 2, 0, 0x23, 1, 0x9f
	VARIABLE "bra_not_taken", .Lint, 0x37, 0x30, 0x28, 2, 0, 0x23, 1, 0x9f
	VARIABLE "loop", .Lint, 0x35, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff, 0x9f
	VARIABLE "to_the_end", .Lint, 0x91, 8, 0x2f, 0, 0
	/* Numbers with a type: const_type, convert, reinterpret, regval_type, deref_type. */
	VARIABLE "typed_unsigned", .Llong, 0xa4, .Lunsigned - .Lunit, 4, 0xff, 0xff, 0xff, 0xff, 0xa8, .Llong - .Lunit, 0x9f
	VARIABLE "typed_signed", .Llong, 0xa4, .Lint - .Lunit, 4, 0xff, 0xff, 0xff, 0xff, 0xa8, .Llong - .Lunit, 0x9f
	VARIABLE "typed_divided", .Lint, 0xa4, .Lint - .Lunit, 4, 0xf7, 0xff, 0xff, 0xff, 0xa4, .Lint - .Lunit, 4, 2, 0, 0, 0, 0x1b, 0x9f
	VARIABLE "typed_above", .Lint, 0xa4, .Lunsigned - .Lunit, 4, 0xff, 0xff, 0xff, 0xff, 0xa4, .Lunsigned - .Lunit, 4, 1, 0, 0, 0, 0x2b, 0x9f
	VARIABLE "typed_generic", .Lint, 0xa4, .Lint - .Lunit, 4, 5, 0, 0, 0, 0xa8, 0, 0x31, 0x22, 0x9f
	VARIABLE "typed_old", .Lint, 0xf4, .Lint - .Lunit, 4, 5, 0, 0, 0, 0xf7, 0, 0x9f
	VARIABLE "typed_float", .Ldouble, 0xa4, .Lfloat - .Lunit, 4, 0, 0, 0x20, 0x40, 0xa8, .Ldouble - .Lunit, 0x9f
	VARIABLE "typed_narrowed", .Lfloat, 0xa4, .Ldouble - .Lunit, 8, 0, 0, 0, 0, 0, 0, 4, 0x40, 0xa8, .Lfloat - .Lunit, 0x9f
	VARIABLE "typed_to_float", .Ldouble, 0xa4, .Lint - .Lunit, 4, 0xfd, 0xff, 0xff, 0xff, 0xa8, .Ldouble - .Lunit, 0x9f
	VARIABLE "typed_to_int", .Lint, 0xa4, .Lfloat - .Lunit, 4, 0, 0, 0x20, 0xc0, 0xa8, .Lint - .Lunit, 0x9f
	VARIABLE "typed_too_large", .Lint, 0xa4, .Lfloat - .Lunit, 4, 0, 0, 0x80, 0x7f, 0xa8, .Lint - .Lunit, 0x9f
	.irp operation, 0x22, 0x1c, 0x1e, 0x1b, 0x29, 0x2e, 0x2d, 0x2c, 0x2b, 0x2a, 0x1a
	VARIABLE "floating \operation", .Lulong, 0xa4, .Lfloat - .Lunit, 4, 0, 0, 0x20, 0x40, 0xa4, .Lfloat - .Lunit, 4, 0, 0, 0x80, 0x3f, \operation, 0x9f
	.endr
	.irp operation, 0x19, 0x1f, 0x20
	VARIABLE "floating \operation", .Lfloat, 0xa4, .Lfloat - .Lunit, 4, 0, 0, 0x20, 0xc0, \operation, 0x9f
	.endr
	VARIABLE "typed_mixed", .Lint, 0xa4, .Lint - .Lunit, 4, 5, 0, 0, 0, 0x31, 0x22, 0x9f
	VARIABLE "typed_both", .Lint, 0xa4, .Lfloat - .Lunit, 4, 5, 0, 0, 0, 0xa4, .Lint - .Lunit, 4, 5, 0, 0, 0, 0x22, 0x9f
	VARIABLE "malformed", .Lint, 0xa5, 3, .Lpointer - .Lunit, 0x9f
	VARIABLE "reinterpreted", .Lint, 0xa4, .Lfloat - .Lunit, 4, 0, 0, 0x20, 0x40, 0xa9, .Lunsigned - .Lunit, 0x9f
	VARIABLE "regval", .Llong, 0xa5, 3, .Lint - .Lunit, 0xa8, .Llong - .Lunit, 0x9f
	VARIABLE "dereferenced", .Llong, 0x91, 0x10, 0xa6, 4, .Lint - .Lunit, 0xa8, .Llong - .Lunit, 0x9f
	VARIABLE "nop", .Lint, 0x96, 0x37, 0x96, 0x9f
	/* Registers: 3 is known, 0 is not, 17 is of the vector unit; 40 does not exist. */
	VARIABLE "in_register", .Llong, 0x53
	VARIABLE "in_regx", .Llong, 0x90, 3
	VARIABLE "low_half", .Lint, 0x53
	VARIABLE "not_saved", .Lint, 0x50
	VARIABLE "in_vector", .Ldouble, 0x61
	VARIABLE "in_no_register", .Lint, 0x90, 40
	VARIABLE "from_breg", .Llong, 0x73, 1, 0x9f
	VARIABLE "from_bregx", .Llong, 0x92, 3, 1, 0x9f
	VARIABLE "from_lost_breg", .Llong, 0x70, 1, 0x9f
	/* Memory. */
	VARIABLE "in_frame", .Lint, 0x91, 8
	VARIABLE "at_cfa", .Lint, 0x9c
	VARIABLE "deref", .Llong, 0x91, 0x10, 0x06, 0x9f
	VARIABLE "deref_size", .Llong, 0x91, 0x10, 0x94, 2, 0x9f
	VARIABLE "deref_too_wide", .Llong, 0x91, 0x10, 0x94, 9, 0x9f
	VARIABLE "not_recorded", .Lint, 0x0a, 0, 0x30
	VARIABLE "unreadable", .Lint, 0x31
	VARIABLE "deref_not_recorded", .Lint, 0x0a, 0, 0x30, 0x06, 0x9f
	VARIABLE "deref_unreadable", .Lint, 0x31, 0x06, 0x9f
	VARIABLE "text", .Lchar_pointer, 0x91, 0x18
	VARIABLE "lost_text", .Lchar_pointer, 0x0a, 0, 0x30, 0x9f
	VARIABLE "pointer_to_lost", .Lpointer, 0x0a, 0, 0x30, 0x9f
	ADDRESS "static", .Llong, locals_static, 0x96
	/* Of each thread. */
	VARIABLE "thread_local", .Lint, 0x08, 4, 0x9b
	VARIABLE "gnu_thread_local", .Lint, 0x08, 4, 0xe0
	/* Pieces. */
	VARIABLE "pieces", .Lpair, 0x53, 0x93, 8, 0x37, 0x9f, 0x93, 8
	VARIABLE "half_lost", .Lpair, 0x50, 0x93, 8, 0x37, 0x9f, 0x93, 8
	VARIABLE "half_nowhere", .Lpair, 0x37, 0x9f, 0x93, 8, 0x93, 8
	VARIABLE "half_unreadable", .Lpair, 0x37, 0x9f, 0x93, 8, 0x31, 0x93, 8
	VARIABLE "short_pieces", .Lpair, 0x37, 0x9f, 0x93, 8
	VARIABLE "all_lost", .Lpair, 0x50, 0x93, 8, 0x93, 8
	VARIABLE "piece_in_memory", .Lpair, 0x91, 8, 0x93, 4, 0x30, 0x9f, 0x93, 4, 0x91, 0x10, 0x93, 8
	VARIABLE "too_many_pieces", .Lint, 0x37, 0x9f, 0x93, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0x38, 0x9f, 0x93, 4
	VARIABLE "bit_pieces", .Lint, 0x35, 0x9f, 0x9d, 3, 0, 0x08, 0xff, 0x9f, 0x9d, 29, 4
	VARIABLE "implicit", .Llong, 0x9e, 8, 1, 0, 0, 0, 0, 0, 0, 0x80
	VARIABLE "implicit_piece", .Lint, 0x9e, 2, 1, 2, 0x93, 2, 0x9e, 2, 3, 4, 0x93, 2
	VARIABLE "implicit_short", .Lpair, 0x9e, 8, 1, 0, 0, 0, 0, 0, 0, 0
	/* What is nowhere. */
	.uleb128 5
	.asciz	"nowhere"
	.4byte	.Lint - .Lunit
	VARIABLE "passed", .Llong, 0xa3, 1, 0x55, 0x9f
	VARIABLE "passed_regx", .Llong, 0xf3, 2, 0x90, 5, 0x9f
	VARIABLE "passed_lost", .Llong, 0xa3, 1, 0x54, 0x9f
	VARIABLE "passed_no_value", .Llong, 0xa3, 1, 0x51, 0x9f
	VARIABLE "passed_nothing", .Llong, 0xa3, 1, 0x58, 0x9f
	VARIABLE "passed_memory", .Llong, 0xa3, 2, 0x75, 0, 0x9f
	ENTRY "passed_for", .Lint, 0xfa, .Lformal-.Lunit, 0x9f
	ENTRY "passed_for_none", .Lint, 0xfa, .Lint-.Lunit, 0x9f
.Lformal:
	.uleb128 5
	.asciz	"formal"
	.4byte	.Lint - .Lunit
	/* Other variables: their numbers, and pointers to them. */
.Ltarget:
	VARIABLE "target", .Lpair, 0x53, 0x93, 8, 0x37, 0x9f, 0x93, 8
.Lin_memory:
	VARIABLE "in_memory", .Lint, 0x91, 8
.Lnumber:
	VARIABLE "number", .Lint, 0x09, 0xfd, 0x9f
.Lconst_number:
	.uleb128 18
	.asciz	"const_number"
	.4byte	.Lint - .Lunit
	.byte	9
.Llost_number:
	VARIABLE "lost_number", .Lint, 0x50
.Lunrecorded:
	VARIABLE "unrecorded", .Lint, 0x0a, 0, 0x30
	ENTRY "number_of_number", .Lint, 0xfd, .Lnumber, 0x9f
	ENTRY "number_of_memory", .Lint, 0xfd, .Lin_memory, 0x9f
	ENTRY "number_of_const", .Lint, 0xfd, .Lconst_number, 0x9f
	ENTRY "number_of_lost", .Lint, 0xfd, .Llost_number, 0x9f
	ENTRY "number_of_unrecorded", .Lint, 0xfd, .Lunrecorded, 0x9f
	ENTRY "number_of_formal", .Lint, 0xfd, .Lformal, 0x9f
	ENTRY "number_of_pair", .Lint, 0xfd, .Ltarget, 0x9f
	ENTRY "points_to_target", .Lpair_pointer, 0xa0, .Ltarget, 0
	ENTRY "points_into_target", .Lpointer, 0xf2, .Ltarget, 8
	ENTRY "points_beyond", .Lpointer, 0xa0, .Ltarget, 16
	ENTRY "points_before", .Lpointer, 0xa0, .Ltarget, 0x7f
	ENTRY "points_to_memory", .Lpointer, 0xa0, .Lin_memory, 0
.Lto_itself:
	ENTRY "points_to_itself", .Lpointer, 0xa0, .Lto_itself, 0
	ENTRY "pointer_piece", .Lpair, 0xa0, .Ltarget, 0, 0x93, 8, 0x37, 0x9f, 0x93, 8
	VARIABLE "derived", .Lclass, 0x91, 8
	VARIABLE "reference", .Lreference, 0x91, 0x18
	VARIABLE "rvalue_reference", .Lrvalue_reference, 0x91, 0x18
	VARIABLE "const_void_pointer", .Lconst_void_pointer, 0x91, 0x18
	VARIABLE "word", .Lodd, 0x0a, 8, 0, 0x18, 0x9f
	VARIABLE "bit_piece_of_value", .Lint, 0x35, 0x9f, 0x9d, 32, 80
	VARIABLE "bit_piece_of_block", .Lint, 0x9e, 1, 1, 0x9d, 32, 80
	.uleb128 6
	.asciz	"constant"
	.4byte	.Lint - .Lunit
	.sleb128 -9
	.uleb128 8
	.asciz	"constant_block"
	.4byte	.Lfloat - .Lunit
	.byte	4, 0, 0, 0x20, 0x40
	.uleb128 8
	.asciz	"constant_short"
	.4byte	.Lpair - .Lunit
	.byte	3, 1, 2, 3
	.uleb128 18
	.asciz	"constant_byte"
	.4byte	.Lint - .Lunit
	.byte	200
	.uleb128 17
	.asciz	"constant text"
	.asciz	"constant_text"
	.4byte	.Lword_array - .Lunit
	/* Numbers of other kinds. */
	VARIABLE "quadruple", .Lquad, 0x91, 8
	VARIABLE "decimal", .Lodd, 0x91, 8
	VARIABLE "odd_bool", .Lbool, 0x91, 8
	VARIABLE "zero_char", .Lchar, 0x30, 0x9f
	VARIABLE "control_char", .Lchar, 0x08, 0x1b, 0x9f
	VARIABLE "quote_char", .Lchar, 0x08, 0x27, 0x9f
	VARIABLE "bit_fields", .Lbits, 0x91, 8
	/* What contradicts itself, and what is not known. */
	VARIABLE "underflow", .Lint, 0x22, 0x9f
	VARIABLE "underflow_shuffle", .Lint, 0x31, 0x17, 0x9f
	VARIABLE "no_value", .Lint, 0x9f
	VARIABLE "by_zero", .Lint, 0x31, 0x30, 0x1b, 0x9f
	VARIABLE "endless", .Lint, 0x2f, 0xfd, 0xff
	VARIABLE "growing", .Lint, 0x31, 0x2f, 0xfc, 0xff
	VARIABLE "into_the_middle", .Lint, 0x31, 0x2f, 0xff, 0xff, 0x9f
	VARIABLE "unknown_operation", .Lint, 0x01, 0x9f
	VARIABLE "object_address", .Lint, 0x97, 0x9f
	VARIABLE "in_circle", .Lcircle, 0x91, 8
	VARIABLE "in_itself", .Lwithin, 0x91, 8
	VARIABLE "endless_bound", .Lendless_bound, 0x91, 8
	VARIABLE "huge", .Lhuge, 0x91, 8
	VARIABLE "backward", .Lbackward, 0x91, 8
	.byte	0
	/* An array whose sibling is what stands before it. */
.Lbackward:
	.uleb128 16
	.4byte	.Lint - .Lunit
	.4byte	.Lint - .Lunit
	.uleb128 15
	.4byte	2
	.byte	0
	.byte	0
.Lunit_end:
	.section .note.GNU-stack, "", @progbits
