### All English of the pages, in Project Fluent's syntax: one section a page, names begin with the page's.
### Values in { } are filled in; ** and other Markdown stays as it is.

## Everywhere

## Overview

## Request

## Circuit

## Groups

## What if

## Run

## Before and after

## Report

## Tour
