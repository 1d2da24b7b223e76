package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

type importCmd struct {
	File   string `arg:"" help:"JSON or CSV as the case system exports it; docs/FORMATS.md, Import. - is standard input."`
	Check  bool   `help:"Only say what would be announced."`
	Server string `placeholder:"URL" help:"Record server; without it, the one that the configuration says."`
}

func (importCmd) once() {}

func (importCmd) Help() string {
	return "Announces the hearings of a file: all of them or, where anything is wrong, none. A file can be taken again.\n\n" +
		"Example:\n  tingji import 排期.csv --check\n  tingji import 排期.csv"
}

// importTimeout bounds the whole request.
const importTimeout = time.Minute

func (c importCmd) Run(ctx context.Context, a *app) error {
	var file []byte
	var err error
	if c.File == "-" {
		file, err = io.ReadAll(os.Stdin)
	} else {
		file, err = os.ReadFile(c.File)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return misuse("%s: %v", c.File, path.Err)
	} else if err != nil {
		return err
	}
	server := c.Server
	if server == "" {
		server = "http://" + a.config.Listen
	}
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	address := strings.TrimRight(server, "/") + "/api/v1/hearings/import"
	if c.Check {
		address += "?check=true"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(file))
	if err != nil {
		return misuse("--server %q: %v", server, err)
	}
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Content-Type", "application/octet-stream")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("the record server does not answer at %s: name it with --server; %w", server, err)
	}
	defer answer.Body.Close()
	var said struct {
		Detail   string            `json:"detail"`
		Rows     []importRow       `json:"rows"`
		Hearings []importedHearing `json:"hearings"`
		There    []importedHearing `json:"there"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return fmt.Errorf("%s is no record server: %w", server, err)
	}
	if answer.StatusCode >= 300 {
		for _, row := range said.Rows {
			if row.Row == 0 {
				continue // of the whole file: the detail says it
			}
			fmt.Fprintf(a.stderr, "%s: row %d, %s: %s (%s)\n", c.File, row.Row, row.Field, row.TextEN, row.Text)
		}
		return misuse("%s: %s", c.File, strings.TrimSuffix(said.Detail, "."))
	}
	for _, h := range said.Hearings {
		fmt.Fprintf(a.stdout, "%s\t%s\t%s\t%s\n", h.ID, h.CaseNo, h.CourtroomName, h.at())
	}
	for _, h := range said.There {
		fmt.Fprintf(a.stderr, "tingji: announced before: %s %s\n", h.ID, h.CaseNo)
	}
	return nil
}

type importRow struct {
	Row    int    `json:"row"`
	Field  string `json:"field"`
	Text   string `json:"text"`
	TextEN string `json:"text_en"`
}

type importedHearing struct {
	ID            string     `json:"id"`
	CaseNo        string     `json:"case_no"`
	CourtroomName string     `json:"courtroom_name"`
	ScheduledAt   *time.Time `json:"scheduled_at"`
}

func (h importedHearing) at() string {
	if h.ScheduledAt == nil {
		return ""
	}
	return h.ScheduledAt.Local().Format("2006-01-02 15:04")
}
