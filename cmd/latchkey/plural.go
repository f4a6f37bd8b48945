package main

import "fmt"

// plural is the one of two texts that fits how many there are, with the number in the place of its %d.
func plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return fmt.Sprintf(one, n)
	}
	return fmt.Sprintf(many, n)
}
