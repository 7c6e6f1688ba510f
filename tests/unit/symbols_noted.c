/* symbols_noted.c - a program that needs a library with the note. */
int symbols_noted(void);

int main(void)
{
	return symbols_noted() - 1;
}
