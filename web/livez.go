package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// livez says that the process answers, and nothing more: what else is wrong no restart mends.
func (s *Server) livez(c echo.Context) error {
	return c.JSON(http.StatusOK, health{Status: statusOK})
}
