package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
)

// What exports may take of the server. A table that is streamed holds a snapshot of the database for as long
// as its client takes to read it, and the store reads at most eight of them at once.
const (
	maxStreams   = 4
	maxWorkbooks = 2
	// exportTime ends an export that takes for ever, and writeTime one whose client has stopped reading.
	exportTime = 15 * time.Minute
	writeTime  = 15 * time.Second
	// busyTime is when to try again while there are too many.
	busyTime = 10 * time.Second
)

const reasonExportBusy keys.Reason = "export-busy"

// exportFiles is the pattern of the names of workbooks that are being made.
const exportFiles = ".export-*.xlsx"

// exports are the places for exports that are under way.
type exports struct {
	folder             string
	streams, workbooks chan struct{}
}

// newExports removes what exports of an earlier run have left in the folder.
func newExports(folder string) (*exports, error) {
	left, err := filepath.Glob(filepath.Join(folder, exportFiles))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return &exports{folder: folder, streams: make(chan struct{}, maxStreams), workbooks: make(chan struct{}, maxWorkbooks)}, err
}

// enter takes one of the places, or refuses.
func enter(places chan struct{}) (leave func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, &keys.Error{Kind: keys.KindUnavailable, Reason: reasonExportBusy, RetryAfter: busyTime}
	}
}

// export is a file that is asked for.
type export struct {
	store.Export
	sheets []sheet
	// count counts the rows before the first is written.
	count func(ctx context.Context) (int, error)
	// again is the page from where it can be asked for again.
	again string
}

// answerExport answers with an export, or says where to try again.
func (s *Server) answerExport(c echo.Context, e export) error {
	if c.Request().Header.Get("Sec-Fetch-Site") == "cross-site" {
		// It writes to the audit log, so another site must not make a browser ask for it.
		return &keys.Error{Kind: keys.KindForbidden, Reason: reasonCrossOrigin}
	}
	if c.Request().Method == http.MethodHead {
		setFileHeaders(c, e)
		return c.NoContent(http.StatusOK)
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), exportTime)
	defer cancel()
	answer := s.answerCSV
	if e.Format == formatXLSX {
		answer = s.answerXLSX
	}
	err := answer(ctx, c, e)
	if err != nil && c.Response().Committed {
		// A failure can only be told by breaking the connection off: ending the answer as usual would pass off a
		// part as the whole.
		s.log.Warn("an export broke off", "id", requestID(c), "route", c.Path(), "error", err)
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		return retryAt(err, e.again, "error.back.retry")
	}
	return nil
}

// answerCSV streams the one sheet of an export. It is written down with the first row, before anything is sent:
// what cannot be written down is not handed out. The table is a snapshot from before that, so an export of
// the audit log does not hold itself.
func (s *Server) answerCSV(ctx context.Context, c echo.Context, e export) error {
	leave, err := enter(s.exports.streams)
	if err != nil {
		return err
	}
	defer leave()
	out := s.patient(c, e)
	if e.Rows, err = e.count(ctx); err != nil {
		return err
	}
	table, written := e.sheets[0], false
	rows := table.each
	table.each = func(ctx context.Context, add func([]cell) error) error {
		return rows(ctx, func(row []cell) error {
			if !written {
				if err := s.store.RecordExport(ctx, actor(c), e.Export); err != nil {
					return err
				}
				written = true
			}
			return add(row)
		})
	}
	if err := writeCSV(ctx, out, table); err != nil {
		return err
	}
	if !written {
		if err := s.store.RecordExport(ctx, actor(c), e.Export); err != nil {
			return err
		}
	}
	return out.flush()
}

// answerXLSX makes a workbook in a file, writes the export down, and sends the file.
func (s *Server) answerXLSX(ctx context.Context, c echo.Context, e export) (err error) {
	leave, err := enter(s.exports.workbooks)
	if err != nil {
		return err
	}
	defer leave()
	out := s.patient(c, e)
	file, err := os.CreateTemp(s.exports.folder, exportFiles) // its mode is 0600
	if err != nil {
		return keys.Unavailable(err)
	}
	defer func() { _ = errors.Join(file.Close(), os.Remove(file.Name())) }()
	if e.Rows, err = writeXLSX(ctx, file, e.sheets, maxSheetRows); err != nil {
		if _, ok := errors.AsType[*os.PathError](err); ok {
			return keys.Unavailable(err) // the disk may be full
		}
		return err
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.store.RecordExport(ctx, actor(c), e.Export); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentLength, strconv.FormatInt(size, 10))
	if _, err := io.Copy(out, file); err != nil {
		return err
	}
	return out.flush()
}

// The media types of what is exported.
var exportMedia = map[string]string{
	formatCSV:  "text/csv; charset=utf-8; header=present",
	formatXLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// The formats of exports.
const (
	formatCSV  = "csv"
	formatXLSX = "xlsx"
)

// setFileHeaders says what kind of file an answer is and what it is called.
func setFileHeaders(c echo.Context, e export) {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, exportMedia[e.Format])
	h.Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": e.File}))
}

// The first piece of an answer is small, so that it comes soon.
const (
	firstPiece = 4 << 10
	laterPiece = 32 << 10
)

// patientWriter sends an answer that may take longer than the server lets answers take, as long as its client
// goes on reading. Until the first piece is full nothing is sent, so what fails before that is told by a page.
type patientWriter struct {
	c    echo.Context
	e    export
	rc   *http.ResponseController
	now  func() time.Time
	held []byte
}

// patient is the writer of an answer. The server's time limit for reading the request does not end it either:
// a connection whose limit is over counts as one that its client has left.
func (s *Server) patient(c echo.Context, e export) *patientWriter {
	s.extendTime(c)
	return &patientWriter{c: c, e: e, rc: http.NewResponseController(c.Response()), now: s.now}
}

// extendTime gives an answer that goes on being made as much time as one that begins. What is no connection has no
// limit.
func (s *Server) extendTime(c echo.Context) {
	rc := http.NewResponseController(c.Response())
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(s.now().Add(writeTime))
}

// Write keeps text until it is worth sending.
func (w *patientWriter) Write(text []byte) (int, error) {
	w.held = append(w.held, text...)
	enough := laterPiece
	if !w.c.Response().Committed {
		enough = firstPiece
	}
	if len(w.held) < enough {
		return len(text), nil
	}
	return len(text), w.flush()
}

// flush sends what is left.
func (w *patientWriter) flush() error {
	_ = w.rc.SetWriteDeadline(w.now().Add(writeTime)) // what is no connection has no limit
	first := !w.c.Response().Committed
	if first {
		setFileHeaders(w.c, w.e)
		w.c.Response().WriteHeader(http.StatusOK)
	}
	_, err := w.c.Response().Write(w.held)
	w.held = w.held[:0]
	if first && err == nil {
		err = w.rc.Flush()
	}
	return err
}

// safeCell is the cell of a text that safe lets through.
func safeCell(text string) cell { return textCell(safe(text)) }
