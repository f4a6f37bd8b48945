package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
)

//go:embed page.md
var pageText string

// The rows and columns of the page.
var (
	keyCounts = []float64{1e6, 10e6, 100e6}
	rates     = []float64{1e3, 10e3, 100e3, 1e6}
)

// page is what page.md is filled in with.
type page struct {
	*figures
	assumptions
	Busy, UseDays, Spare int
	Single               string
	Changes              [2]string
	Keys                 []keysRow
	Rates                []rateRow
	Uses                 []useRow
	UseHead              []string
	ChangeLog            string
	UsesPerSecond        string
}

type keysRow struct {
	Count string
	ofKeys
}

type rateRow struct {
	Rate string
	ofRate
}

// useRow is a number of keys, with what counting takes at each rate.
type useRow struct {
	Count string
	At    []ofUse
}

func writePage(w io.Writer, f *figures, a assumptions) error {
	p := page{
		figures: f, assumptions: a, Busy: 100 * busy, UseDays: useDays, Spare: spare, Single: count(singleNode(f, a)),
		Changes:   [2]string{count(f.value(changesSQLite)), count(f.value(changesPostgres))},
		ChangeLog: size(f.value(changeLog)), UsesPerSecond: count(f.value(usesPerSecond)),
	}
	for _, n := range keyCounts {
		p.Keys = append(p.Keys, keysRow{count(n), forKeys(f, a, n)})
		row := useRow{Count: count(n)}
		for _, rate := range rates {
			row.At = append(row.At, forUse(f, a, n, rate))
		}
		p.Uses = append(p.Uses, row)
	}
	for _, rate := range rates {
		p.Rates = append(p.Rates, rateRow{count(rate), forRate(f, a, rate)})
		p.UseHead = append(p.UseHead, count(rate)+"/s")
	}
	text, err := template.New("page").Funcs(template.FuncMap{
		"size": size, "count": count, "time": seconds, "percent": func(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) },
		"cores": func(n float64) string { return significant(n) },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return text.Execute(w, p)
}

// size is a number of bytes as people read it, with three digits or so.
func size(bytes float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for bytes >= 1000 && i < len(units)-1 {
		bytes /= 1024
		i++
	}
	return significant(bytes) + " " + units[i]
}

// seconds is a time as people read it.
func seconds(s float64) string {
	switch {
	case s < 120:
		return significant(s) + " s"
	case s < 7200:
		return significant(s/60) + " min"
	}
	return significant(s/3600) + " h"
}

// count is a number without a fraction, with a comma at each thousand.
func count(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	var text strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			text.WriteByte(',')
		}
		text.WriteRune(d)
	}
	return text.String()
}

// significant is a number with as many digits as say something: 0.13, 1.3, 13, 130.
func significant(n float64) string {
	switch {
	case n >= 1000:
		return count(n)
	case n >= 10:
		return fmt.Sprintf("%.0f", n)
	case n >= 1:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}
