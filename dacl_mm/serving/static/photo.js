// Asks about a photograph.
export async function askPhoto(file, faces) {
  let response;
  try {
    const type = file.type || 'application/octet-stream';
    response = await fetch(`predict?faces=${faces}`, { method: 'POST', body: file, headers: { 'Content-Type': type } });
  } catch {
    throw new Error('The server does not answer: is it still running?');
  }
  const text = await response.text();
  const answer = text.startsWith('{') ? JSON.parse(text) : { error: text };
  if (!response.ok) throw new Error(`No answer: ${answer.error}`);
  return answer;
}
