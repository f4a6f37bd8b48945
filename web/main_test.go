package web

import (
	"testing"

	"latchkey/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
