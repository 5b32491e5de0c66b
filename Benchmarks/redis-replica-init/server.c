// Stands for redis-server: it ends at once.
int main(void) { return 0; }
