package backup

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

// saves and restores are what the heads and ends of many dumps hold.
const (
	savesCharset    = "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n"
	restoresCharset = "/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;\n"
	savesChecks     = "/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;\n"
	restoresChecks  = "/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;\n"
	savesNotes      = "/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;\n"
	restoresNotes   = "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n"
)

// exports are the heads and ends of dumps as other programs write them around their statements.
var exports = map[string]struct {
	kind       Kind
	head, end  string
	tool       string
	server     string
	windows    bool // its lines end as those of Windows
	unnamed    bool // it does not name the database
	began      time.Time
	finished   time.Time
	withoutEnd State // what it is when the end is missing
}{
	"phpMyAdmin": {
		kind: "phpMyAdmin", tool: "phpMyAdmin 5.2.1", server: "10.6.18-MariaDB-log", withoutEnd: StateDamaged,
		head: "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n-- https://www.phpmyadmin.net/\n--\n-- Host: 127.0.0.1:3307\n" +
			"-- Generation Time: Nov 02, 2026 at 10:00 AM\n-- Server version: 10.6.18-MariaDB-log\n-- PHP Version: 8.2.20\n\n" +
			"SET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\";\nSTART TRANSACTION;\nSET time_zone = \"+00:00\";\n\n\n" + savesCharset +
			"\n--\n-- Database: `m2`\n--\n\n-- --------------------------------------------------------\n\n",
		end: "COMMIT;\n\n" + restoresCharset,
	},
	"phpMyAdmin in French, without a transaction": {
		kind: "phpMyAdmin", tool: "phpMyAdmin 4.9.7", server: "8.0.33", withoutEnd: StateDamaged,
		head: "-- phpMyAdmin SQL Dump\n-- version 4.9.7\n-- https://www.phpmyadmin.net/\n--\n-- Hôte : localhost\n" +
			"-- Généré le : lun. 02 nov. 2026 à 10:00\n-- Version du serveur : 8.0.33\n-- Version de PHP : 7.4.33\n\n" +
			savesCharset + "--\n-- Base de données : `m2`\n--\n\n",
		end: restoresCharset,
	},
	"phpMyAdmin to the screen": {
		kind: "phpMyAdmin", tool: "phpMyAdmin 5.2.1", withoutEnd: StateDamaged,
		head: "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n\nSTART TRANSACTION;\n--\n-- Database: `m2`\n--\n",
		end:  "COMMIT;\n",
	},
	"Adminer 4": {
		kind: "Adminer", tool: "Adminer 4.8.1", server: "10.11.6-MariaDB", withoutEnd: StateDamaged, unnamed: true,
		head: "-- Adminer 4.8.1 MySQL 10.11.6-MariaDB dump\n\nSET NAMES utf8;\nSET time_zone = '+00:00';\n" +
			"SET foreign_key_checks = 0;\nSET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n\n",
		end: "-- 2026-11-02 10:00:00\n", finished: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
	},
	"Adminer 6": {
		kind: "Adminer", tool: "Adminer 6.0.1", server: "8.4.2", withoutEnd: StateDamaged,
		head: "-- Adminer 6.0.1 MySQL 8.4.2 dump\n\nSET NAMES utf8;\nUSE `m2`;\n",
		end:  "-- 2026-11-02 10:00:00 UTC\n", finished: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
	},
	"HeidiSQL": {
		kind: "HeidiSQL", tool: "HeidiSQL 12.3.0.6589", server: "8.0.36", withoutEnd: StateDamaged, windows: true,
		head: "-- --------------------------------------------------------\n" +
			"-- Host:                         db.example.test\n" +
			"-- Server version:               8.0.36 - MySQL Community Server - GPL\n-- Server OS:                    Linux\n" +
			"-- HeidiSQL Version:             12.3.0.6589\n-- --------------------------------------------------------\n\n" +
			savesCharset + "/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n" +
			savesChecks + savesNotes +
			"\n-- Dumping structure for table m2.adminnotification_inbox\n",
		end: "/*!40103 SET TIME_ZONE=IFNULL(@OLD_TIME_ZONE, 'system') */;\n" +
			"/*!40014 SET FOREIGN_KEY_CHECKS=IFNULL(@OLD_FOREIGN_KEY_CHECKS, 1) */;\n" + restoresCharset +
			"/*!40111 SET SQL_NOTES=IFNULL(@OLD_SQL_NOTES, 1) */;\n",
	},
	"HeidiSQL 9": {
		kind: "HeidiSQL", tool: "HeidiSQL 9.5.0.5196", server: "5.7.24", withoutEnd: StateDamaged, windows: true,
		head: "-- Host:                         127.0.0.1\n" +
			"-- Server version:               5.7.24 - MySQL Community Server (GPL)\n" +
			"-- HeidiSQL Version:             9.5.0.5196\n\n" + savesCharset + savesChecks +
			"-- Dumping database structure for m2\n" +
			"CREATE DATABASE IF NOT EXISTS `m2` /*!40100 DEFAULT CHARACTER SET utf8 */;\nUSE `m2`;\n",
		end: "/*!40014 SET FOREIGN_KEY_CHECKS=IF(@OLD_FOREIGN_KEY_CHECKS IS NULL, 1, @OLD_FOREIGN_KEY_CHECKS) */;\n" +
			restoresCharset,
	},
	"SQLyog": {
		kind: "SQLyog", tool: "SQLyog 13.1.9", server: "8.0.30", withoutEnd: StateDamaged, windows: true,
		head: "/*\nSQLyog Community v13.1.9 (64 bit)\nMySQL - 8.0.30 : Database - m2\n" + strings.Repeat("*",
			69) + "\n*/\n\n" +
			"/*!40101 SET NAMES utf8 */;\n\n/*!40101 SET SQL_MODE=''*/;\n\n" + savesChecks + savesNotes,
		end: restoresChecks + restoresNotes,
	},
	"Navicat 17": {
		kind: "Navicat", tool: "Navicat", server: "8.0.39", withoutEnd: StateDamaged,
		head: "/*\n Navicat Premium Dump SQL\n\n Source Server         : shop\n Source Server Type    : MySQL\n" +
			" Source Server Version : 80039 (8.0.39)\n Source Host           : localhost:3306\n Source Schema         : m2\n\n" +
			" Date: 02/11/2026 10:00:00\n*/\n\nSET NAMES utf8mb4;\nSET FOREIGN_KEY_CHECKS = 0;\n\n",
		end: "SET FOREIGN_KEY_CHECKS = 1;\n",
	},
	"Navicat 11": {
		kind: "Navicat", tool: "Navicat", server: "50711", withoutEnd: StateUndetermined,
		head: "/*\nNavicat MySQL Data Transfer\n\nSource Server         : shop\nSource Server Version : 50711\n" +
			"Source Database       : m2\n\nDate: 2016-11-02 10:00:00\n*/\n\nSET FOREIGN_KEY_CHECKS=0;\n\n",
	},
	"Sequel Pro": {
		kind: "Sequel Pro", tool: "Sequel Pro 4541", server: "5.7.28", withoutEnd: StateDamaged,
		head: "# ************************************************************\n# Sequel Pro SQL dump\n# Version 4541\n#\n" +
			"# http://www.sequelpro.com/\n#\n# Host: 127.0.0.1 (MySQL 5.7.28)\n# Database: m2\n" +
			"# Generation Time: 2026-11-02 12:00:00 +0200\n# ***\n\n\n" + savesCharset + savesChecks + savesNotes,
		end: "\n" + restoresNotes + restoresChecks + restoresCharset, began: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
	},
	"Sequel Ace with a byte order mark": {
		kind: "Sequel Ace", tool: "Sequel Ace 20062", server: "8.3.0", withoutEnd: StateDamaged,
		head: byteOrderMark + "# ***\n# Sequel Ace SQL dump\n# Version 20062\n#\n# https://sequel-ace.com/\n#\n" +
			"# Host: db (MySQL 8.3.0)\n# Database: m2\n# Generation Time: 2026-11-02 10:00:00 +0000\n# ***\n\n\n" +
			savesCharset + savesNotes,
		end: restoresNotes + restoresCharset, began: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
	},
	"TablePlus": {
		kind: "TablePlus", tool: "TablePlus 6.7.2(638)", withoutEnd: StateDamaged,
		head: "-- ---\n-- TablePlus 6.7.2(638)\n--\n-- https://tableplus.com/\n--\n-- Database: m2\n" +
			"-- Generation Time: 2026-11-02 10:00:00.1230\n-- ---\n\n\n" + savesCharset + savesNotes,
		end: restoresCharset + restoresNotes,
	},
	"DBeaver": {
		kind: "DBeaver", tool: "DBeaver", withoutEnd: StateUndetermined,
		head: "-- m2.admin_user definition\n\nCREATE TABLE other.t (a int);\n\n-- m2.store definition\n\n",
	},
	"MySQL Workbench": {
		kind: "MySQL Workbench", tool: "MySQL Workbench", withoutEnd: StateDamaged,
		head: "-- MySQL Script generated by MySQL Workbench\n-- Mon Nov  2 10:00:00 2026\n" +
			"-- Model: New Model    Version: 1.0\n\n" +
			"SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0;\nSET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='TRADITIONAL';\n" +
			"USE `m2` ;\n",
		end: "SET SQL_MODE=@OLD_SQL_MODE;\nSET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS;\n",
	},
	"mysqlpump": {
		kind: "mysqlpump", tool: "mysqlpump 5.7.29", server: "5.7.29", withoutEnd: StateDamaged,
		head: "-- Dump created by MySQL pump utility, version: 5.7.29, Linux (x86_64)\n" +
			"-- Dump start time: Mon Nov  2 09:59:00 2026\n" +
			"-- Server version: 5.7.29\n\nSET @OLD_TIME_ZONE=@@TIME_ZONE;\nSET TIME_ZONE='+00:00';\nUSE `m2`;\n",
		end:      "SET TIME_ZONE=@OLD_TIME_ZONE;\n-- Dump end time: Mon Nov  2 10:00:00 2026\n",
		finished: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
	},
	"mysqldump-php": {
		kind: "mysqldump-php", tool: "mysqldump-php", server: "10.6.18-MariaDB", withoutEnd: StateDamaged,
		head: "-- mysqldump-php https://github.com/ifsnop/mysqldump-php\n--\n-- Host: db\tDatabase: m2\n" +
			"-- Server version \t10.6.18-MariaDB\n-- Date: Mon, 02 Nov 2026 09:59:00 +0000\n\n" + savesNotes,
		end:      restoresNotes + "\n-- Dump completed on: Mon, 02 Nov 2026 12:00:00 +0200\n",
		finished: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
	},
	"dbForge Studio": {
		kind: "dbForge Studio", tool: "dbForge Studio 8.1.45.0", server: "5.7.24", withoutEnd: StateDamaged,
		head: "--\n-- Script was generated by Devart dbForge Studio 2019 for MySQL, Version 8.1.45.0\n" +
			"-- Script date 11/2/2026 10:00:00 AM\n-- Server version: 5.7.24\n--\n\n" + savesChecks + "USE m2;\n",
		end: "-- \n-- Enable foreign keys\n-- \n" + restoresChecks,
	},
}

// statements returns what stands between the head and the end of a dump.
func statements(t *testing.T, args ...string) string {
	t.Helper()
	text := string(dump(t, append([]string{"--compact", "--ignore-table=m2.acme;log"}, args...)...))
	return strings.TrimPrefix(text, sandboxLine+" \n")
}

// TestWriters puts the statements of a whole dump between heads and ends of other programs.
func TestWriters(t *testing.T) {
	t.Parallel()
	body, quiet := statements(t, "m2"), statements(t, "--skip-triggers", "m2")
	for name, c := range exports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := func(text string) []byte {
				if c.windows {
					text = strings.ReplaceAll(text, "\n", "\r\n")
				}
				return []byte(text)
			}
			r := report(t, write(t, "dump.sql", lines(c.head+body+c.end)))
			if c.end != "" {
				wantWhole(t, r)
			}
			if r.Kind != c.kind || r.Tool != c.tool || r.ServerVersion != c.server || len(r.Notes) != 0 {
				t.Errorf("kind %q, tool %q, server %q, notes %q", r.Kind, r.Tool, r.ServerVersion, r.Notes)
			}
			if !r.Began.Time.Equal(c.began) || !r.Finished.Time.Equal(c.finished) {
				t.Errorf("began %v, finished %v", r.Began, r.Finished)
			}
			db, ok := r.Database("m2")
			if !ok || (db.Name == "") != c.unnamed {
				t.Fatalf("databases %v", r.Databases)
			}
			wantFresh(t, db.Content(""))
			without := report(t, write(t, "dump.sql", lines(c.head+body)))
			if without.State != c.withoutEnd || !strings.Contains(without.Damage, string(c.kind)) {
				t.Errorf("without its end: %s: %s", without.State, without.Damage)
			}
			if silent := report(t, write(t, "dump.sql", lines(c.head+quiet+c.end))); !slices.ContainsFunc(
				silent.Notes,
				func(note string) bool {
					return strings.Contains(note, "no triggers") && strings.Contains(note, string(c.kind))
				},
			) {
				t.Errorf("without triggers: notes %q", silent.Notes)
			}
			wantCutsNoticed(t, lines(c.head+body+c.end), len(lines(c.end)))
		})
	}
}

// wantCutsNoticed cuts an export at each byte of its end but the last few, without which it restores as well.
func wantCutsNoticed(t *testing.T, content []byte, end int) {
	t.Helper()
	path := write(t, "dump.sql", content)
	last := bytes.TrimRight(content, "\r\n; UTC")
	for cut := len(content) - end; cut < len(last); cut++ {
		rewrite(t, path, content[:cut])
		undated := bytes.HasSuffix(content[:cut], []byte("-- Dump completed")) // as one may ask for
		if r := report(t, path); r.State == StateWhole && !undated {
			t.Errorf("cut %d bytes before its end it is whole", len(content)-cut)
		}
	}
}

// TestEndInTheMiddle puts what ends an export before its statements, which does not make it whole.
func TestEndInTheMiddle(t *testing.T) {
	t.Parallel()
	body := statements(t, "m2")
	for name, e := range exports {
		if e.end == "" {
			continue
		}
		middle := strings.ReplaceAll(e.head+e.end+body, "SET FOREIGN_KEY_CHECKS = 1", "SET FOREIGN_KEY_CHECKS = 0")
		wantNotWhole(t, report(t, write(t, "dump.sql", []byte(middle))), name)
		wantNotWhole(
			t,
			report(t, write(t, "dump.sql", []byte(middle+"SET FOREIGN_KEY_CHECKS = 0;\n"))),
			name+", checks off",
		)
	}
}

// TestWritersTogether reads several exports in one file.
func TestWritersTogether(t *testing.T) {
	t.Parallel()
	structure, rows := statements(t, "--no-data", "m2"), statements(t, "--no-create-info", "--skip-triggers", "m2")
	for _, name := range []string{"phpMyAdmin", "Adminer 6", "SQLyog", "Navicat 17", "Sequel Pro"} {
		e := exports[name]
		both := e.head + structure + e.end + e.head + rows + e.end
		r := report(t, write(t, "dump.sql", []byte(both)))
		wantWhole(t, r)
		wantFresh(t, r.Databases[0].Content(""))
		r = report(t, write(t, "dump.sql", []byte(e.head+structure+e.head+rows+e.end)))
		wantNotWhole(t, r, name+": the first has no end")
	}
}

// TestWritersOfMagento1 checks that a Magento 1 in an export is recognized, also where nothing ends it.
func TestWritersOfMagento1(t *testing.T) {
	t.Parallel()
	body := statements(t, "m1", "core_resource")
	for name, e := range exports {
		r := report(t, write(t, "dump.sql", []byte(e.head+body)))
		found := slices.ContainsFunc(
			r.Databases,
			func(d Database) bool { return d.Content("").System == finding.Magento1 },
		)
		if !found || r.Kind != e.kind {
			t.Errorf("%s: %s: %v", name, r.Kind, r.Databases)
		}
	}
}

// TestUnknownWriter checks what is said of a dump that has comments, but not of whom.
func TestUnknownWriter(t *testing.T) {
	t.Parallel()
	body := statements(t, "m2")
	for name, c := range map[string]struct{ text, want string }{
		"comments":       {"-- Backup by shopkeeper 1.2\n" + body, "Backup by shopkeeper"},
		"block comments": {"/* Backup by\n   shopkeeper */\n" + body, "does not say what wrote it"},
		"none":           {body, "without comments"},
	} {
		r := report(t, write(t, "dump.sql", []byte(c.text)))
		if r.State != StateUndetermined || r.Kind != KindSQL || !strings.Contains(r.Damage, c.want) ||
			strings.Contains(r.Damage, "--compact") != (name == "none") {
			t.Errorf("%s: %s, %s: %s", name, r.Kind, r.State, r.Damage)
		}
		wantFresh(t, r.Databases[0].Content(""))
	}
}

// TestWritersData checks what parseWriters refuses, and that each writer is tried.
func TestWritersData(t *testing.T) {
	t.Parallel()
	tried := map[Kind]bool{}
	for _, e := range exports {
		tried[e.kind] = true
	}
	for _, w := range writers() {
		if !tried[Kind(w.Name)] && w.Name != "MySQL Administrator" {
			t.Errorf("%s is not tried", w.Name)
		}
	}
	const good = "writers: [{name: a, begins: b, end: nothing, triggers: c}]"
	if _, err := parseWriters([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"nothing", "never"}, {"nothing", "line"}, {"name", "title"}, {"begins: b, ", ""}, {"end", "version: '(', end"},
	} {
		if _, err := parseWriters([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Error(fmt.Sprint("accepted with ", change))
		}
	}
}
