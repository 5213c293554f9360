/** Whether the error says more than the status: there was no answer, or it was a redirect. */
export function explains({ status, error }: { status: number | null; error: string | null }): boolean {
  return error !== null && (status === null || (status >= 300 && status < 400));
}
